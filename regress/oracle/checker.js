import { setTimeout as delay } from 'node:timers/promises';

import { withoutAdded } from './ddl.js';
import { isUnlucky } from './outages.js';
import { configNumber, expectedQueries } from './streams.js';
import { expectedRow } from './values.js';

const asText = { getTypeParser: () => (text) => text };
const attempts_ms_max = 60_000; // Postgres may be restarting.

/** What is wrong with a client's rows, as texts; `counts(object)` says which of them matter, and
 * `seen` is what matters of a row. */
export const difference = (rows, expected, seen = (row) => row, counts = () => true) => {
  const wrong = [];
  for (const [object, row] of expected) {
    if (!rows.has(object) && counts(object)) wrong.push(`missing ${object}:\n${row}`);
  }
  for (const [object, copies] of rows) {
    if (!counts(object)) continue;
    const row = expected.get(object);
    for (const copy of copies) {
      if (row === undefined) wrong.push(`not theirs, in ${copy.bucket}: ${object}:\n${copy.row}`);
      else if (row !== copy.row && seen(row) !== seen(copy.row)) {
        wrong.push(`wrong, in ${copy.bucket}: ${object}:\n${copy.row}\ninstead of\n${row}`);
      }
    }
  }
  return wrong;
};

/** Compares what clients show with what Postgres says they had to show at that version. */
export class Checker {
  #expected = new Map(); // Of the newest versions, by config, version and identity.
  #waiting = new Set();
  checked = 0;
  versions = new Set();

  constructor({ pool, configs, notes, fail }) {
    Object.assign(this, { pool, configs, notes, fail });
  }

  /** How many comparisons have not been made yet. */
  get backlog() {
    return this.#waiting.size;
  }

  /** A client completed a checkpoint: everything it shows is looked at now, compared soon. */
  check(client, checkpoint) {
    const rows = client.state.rows();
    const clock = rows.get('oracle_clock clock')?.[0].row;
    const version = Number(/^version=i:(\d+)$/m.exec(clock ?? '')?.[1]);
    if (Number.isNaN(version)) return this.fail(client, 'there is no clock in its data');
    if (version < client.version) {
      return this.fail(client, `back from version ${client.version} to ${version}`);
    }
    client.version = version;
    const early = client.acknowledge(checkpoint.writeCheckpoint ?? 0, version);
    if (early) return this.fail(client, early);
    const claim = { client, version, rows, identity: client.identity,
      config: this.configs.get(configNumber(checkpoint.streams)) };
    if (!claim.config) return this.fail(client, `unknown config: ${checkpoint.streams}`);
    client.config = claim.config.number;
    const waiting = this.#compare(claim).catch((error) => this.fail(client, error.stack))
      .finally(() => this.#waiting.delete(waiting));
    this.#waiting.add(waiting);
  }

  async idle() {
    while (this.#waiting.size > 0) await Promise.all(this.#waiting);
  }

  async #compare({ client, version, rows, identity, config }) {
    const expected = await this.expectation(config, version, identity);
    const wrong = difference(rows, expected, withoutAdded,
      (object) => this.notes.counts(object));
    this.checked++;
    this.versions.add(version);
    if (wrong.length > 0) {
      this.fail(client, `version ${version}, config ${config.number}: ${wrong.length} rows are ` +
        `wrong\n${wrong.slice(0, 5).join('\n\n')}`);
    }
  }

  /** What a client of the identity has to show at the version: rows by `type id`. */
  expectation(config, version, identity) {
    const key = `${config.number} ${version} ${JSON.stringify(identity)}`;
    let expectation = this.#expected.get(key);
    if (!expectation) {
      expectation = this.#ask(config, version, identity);
      this.#expected.set(key, expectation);
      if (this.#expected.size > 500) this.#expected.delete(this.#expected.keys().next().value);
    }
    return expectation;
  }

  async #ask(config, version, identity) {
    const queries = expectedQueries(config, identity);
    const text = [
      'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
      `SET LOCAL oracle.version = ${version}`, 'SET LOCAL search_path = as_of, public',
      "SET LOCAL TimeZone = 'UTC'",
      'SELECT version FROM public.oracle_clock',
      ...queries.map(({ sql }) => sql), 'COMMIT',
    ].join(';\n');
    for (const deadline = Date.now() + attempts_ms_max; ; await delay(50)) {
      try {
        const results = await this.pool.query({ text, rowMode: 'array', types: asText });
        // A commit is in the WAL, and so can reach clients, a moment before snapshots see it.
        if (Number(results[4].rows[0][0]) >= version) return this.#rows(queries, results.slice(5));
        if (Date.now() > deadline) throw new Error(`Postgres never had version ${version}`);
      } catch (error) {
        if (!isUnlucky(error) || Date.now() > deadline) throw error;
      }
    }
  }

  #rows(queries, results) {
    const expected = new Map();
    queries.forEach(({ type }, i) => {
      const { fields, rows } = results[i];
      const id = fields.findIndex(({ name }) => name === 'id');
      for (const row of rows) expected.set(`${type} ${row[id]}`, expectedRow(fields, row));
    });
    return expected;
  }
}
