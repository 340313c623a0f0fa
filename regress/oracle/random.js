// Everything the oracle decides comes from one of these, so that a seed names a run.

function hash(text) {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** A seeded source of random decisions (mulberry32). */
export class Random {
  #state;

  constructor(seed) {
    this.seed = String(seed);
    this.#state = hash(this.seed);
  }

  /** An independent source, the same for the same seed and name. */
  fork(name) {
    return new Random(`${this.seed}/${name}`);
  }

  /** In [0, 1). */
  fraction() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [low, high]. */
  between(low, high) {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  chance(probability) {
    return this.fraction() < probability;
  }

  pick(list) {
    return list[this.between(0, list.length - 1)];
  }

  /** Each element with the given probability, in order. */
  some(list, probability) {
    return list.filter(() => this.chance(probability));
  }

  shuffled(list) {
    const keyed = list.map((value) => [this.fraction(), value]);
    return keyed.sort((a, b) => a[0] - b[0]).map(([, value]) => value);
  }

  /** One of the keys of `weights`, as often as its value says. */
  weighted(weights) {
    const entries = Object.entries(weights);
    let rest = this.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      rest -= weight;
      if (rest < 0) return name;
    }
    return entries.at(-1)[0];
  }
}
