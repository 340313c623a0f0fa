import { readdirSync, readFileSync } from 'node:fs';

const nanoseconds = 1e6; // A millisecond has.
const extension_max = 4; // Many that wait at once, for nothing, add up.

/** What `read` returns, or nothing if the process has ended. */
const ifAlive = (read) => {
  try {
    return read();
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    return [];
  }
};

const childrenOf = (pid) => ifAlive(() =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean));

/** [thread, ms] for each thread of the process: how long it has waited for a processor. */
const waits = (pid) => ifAlive(() => readdirSync(`/proc/${pid}/task`)).map((thread) => {
  const words = ifAlive(() => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
    .split(' '));
  return [thread, Number(words[1] ?? 0) / nanoseconds];
});

/** A time within which processes have to be done with something. What they waited for a processor
 * does not count, within limits: a machine that others keep busy is no fault of theirs. */
export class Deadline {
  #start_ms = Date.now();
  #limit_ms;
  #extended_ms;
  #before;

  /** `processes()` are the ids of those concerned; their children are meant too. */
  constructor(processes, limit_ms) {
    this.processes = processes;
    this.#limit_ms = this.#extended_ms = limit_ms;
    this.#before = new Map(this.#waits());
  }

  #waits() {
    return this.processes().flatMap((pid) => [pid, ...childrenOf(pid)]).flatMap(waits);
  }

  get waited_ms() {
    return Math.round(this.#waits().reduce((sum, [thread, ms]) =>
      sum + ms - (this.#before.get(thread) ?? 0), 0));
  }

  toString() {
    return `${this.elapsed_ms} ms (${this.waited_ms} for a processor)`;
  }

  get elapsed_ms() {
    return Date.now() - this.#start_ms;
  }

  get passed() {
    if (this.elapsed_ms > this.#extended_ms) {
      this.#extended_ms = this.#limit_ms + Math.min(this.waited_ms, extension_max * this.#limit_ms);
    }
    return this.elapsed_ms > this.#extended_ms;
  }
}
