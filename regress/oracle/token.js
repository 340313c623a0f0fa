import { BrokenPromise } from '../e2e/lib/documents.js';
import { signToken } from '../e2e/lib/token.js';

const tolerance_s = 60;
const lifetime_s_max = 86_400;
const doubt_s = 3; // The service judges a moment later, or earlier, than we do.
// When its clock jumps, the service looks at it with the next keepalive: after 22 s at most.
const outlives_ms_max = 30_000;

/** The code that refuses such a token at that time; null if it is good. */
function refusalAt({ iat, exp, nbf }, now_s) {
  if (now_s > exp + tolerance_s) return 'PSYNC_S2103';
  if (Math.max(exp - iat, exp - now_s - tolerance_s) > lifetime_s_max) return 'PSYNC_S2104';
  return nbf > now_s + tolerance_s ? 'PSYNC_S2101' : null;
}

/** One token of a client, and whether the service treats it as it must. */
export class Token {
  #isTaken = false;
  #expired_at;

  /** `ahead_s`: how far the clock of whoever signs it is ahead. */
  constructor({ machine, identity: { user, claims }, lifetime_s, ahead_s, random }) {
    const iat = Math.floor(Date.now() / 1000) + ahead_s;
    this.claims = { iat, exp: iat + lifetime_s, ...(random.chance(0.5) ? { nbf: iat } : {}) };
    this.machine = machine;
    this.made_at_s = machine.now_s;
    this.jumps = machine.jumps;
    this.authorization = `Token ${signToken(user, { claims: { ...claims, ...this.claims } })}`;
  }

  /** It was refused with this code, or taken: null. */
  #judge(code) {
    const { machine: { now_s, jumps }, claims, made_at_s } = this;
    const right = [made_at_s - doubt_s, now_s + doubt_s].map((at_s) => refusalAt(claims, at_s));
    if (jumps !== this.jumps || right.includes(code)) return;
    throw new BrokenPromise(`${code ?? 'no error'}, not ${right[1] ?? 'none'}, for a token with ${
      JSON.stringify(claims)} at ${now_s}`);
  }

  /** Its request failed. */
  failed({ message }) {
    const [code] = /PSYNC_S21\d\d/.exec(message) ?? [];
    if (code) this.#judge(code);
  }

  /** The service said that its stream ends because the token does. */
  end() {
    const { machine: { now_s, jumps }, claims: { exp } } = this;
    if (jumps === this.jumps && now_s < exp - doubt_s) {
      throw new BrokenPromise(`the token ends at ${exp}, the stream ended at ${now_s}`);
    }
  }

  /** Something came by its stream, which must end soon after the token does. `late`: it may have
   * been on its way for long. */
  used({ late }) {
    if (!this.#isTaken) this.#judge(null);
    this.#isTaken = true;
    if (late || this.machine.now_s <= this.claims.exp) this.#expired_at = undefined;
    else this.#expired_at ??= Date.now();
    if (Date.now() - this.#expired_at > outlives_ms_max) {
      throw new BrokenPromise(`a stream outlives its token, which ended at ${this.claims.exp}`);
    }
  }
}
