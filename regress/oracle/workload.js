// Random transactions. The n-th transaction of a writer is the same for the same seed; how those of
// several writers overlap is not.
import { setTimeout as delay } from 'node:timers/promises';

import { isOutage, isRefused } from './outages.js';
import { keyLiterals, quote } from './world.js';

const keyColumns = (table) => table.columns.filter(({ name }) => table.key.includes(name));
const otherColumns = (table) => table.columns.filter(({ name }) => !table.key.includes(name));

/** A literal for a column; a team that is referred to is only named while it exists. */
function literal(table, { name, literal: make }, random) {
  const value = make(random);
  return table.foreignKeys?.includes(name) ? `(SELECT id FROM teams WHERE id = ${value})` : value;
}

export class Statements {
  constructor(world, random) {
    Object.assign(this, { world, random });
  }

  #key(table) {
    return keyLiterals(this.world, table, this.random.between(0, table.keyCount - 1));
  }

  #isKey(table) {
    const values = this.#key(table);
    return table.key.map((name, i) => `${name} = ${values[i]}`).join(' AND ');
  }

  /** Puts a row there, whether or not there is one of that key. */
  put(table) {
    const { random } = this;
    const columns = otherColumns(table);
    const names = [...table.key, ...columns.map(({ name }) => name)];
    const values = [...this.#key(table), ...columns.map((one) => literal(table, one, random))];
    const update = columns.map(({ name }) => `${name} = excluded.${name}`).join(', ');
    return `INSERT INTO ${table.name} (${names.join(', ')}) VALUES (${values.join(', ')})
            ON CONFLICT (${table.key.join(', ')}) DO UPDATE SET ${update}`;
  }

  /** Changes some columns, of one row or of many; the others, long texts too, stay. */
  change(table) {
    const { random } = this;
    const columns = random.shuffled(otherColumns(table)).slice(0, random.between(1, 2));
    const changes = columns.map((one) => `${one.name} = ${literal(table, one, random)}`);
    const many = random.chance(0.1) && !columns.some(({ name }) => name === 'alt');
    const which = many ? `level = ${random.between(0, 5)}` : this.#isKey(table);
    return `UPDATE ${table.name} SET ${changes.join(', ')} WHERE ${which}`;
  }

  /** Gives a row another key. */
  rename(table) {
    const values = this.#key(table);
    return `UPDATE ${table.name} SET ${keyColumns(table).map(({ name }) =>
      `${name} = ${values[table.key.indexOf(name)]}`).join(', ')} WHERE ${this.#isKey(table)}`;
  }

  touch(table) {
    return `UPDATE ${table.name} SET level = level WHERE ${this.#isKey(table)}`;
  }

  remove(table) {
    return `DELETE FROM ${table.name} WHERE ${
      this.random.chance(0.07) ? `level = ${this.random.between(0, 5)}` : this.#isKey(table)}`;
  }

  truncate(table) {
    return `TRUNCATE ${table.name}`;
  }

  /** A user leaves or joins a team, or a row goes from one user to another. */
  move() {
    const { world, random } = this;
    const [, members] = world.tables;
    if (random.chance(0.5)) return random.chance(0.6) ? this.put(members) : this.remove(members);
    const table = random.pick([members, ...world.items]);
    const columns = table.columns.filter(({ name }) =>
      ['owner', 'team', 'viewers', 'usr', 'active', 'level'].includes(name));
    const column = random.pick(columns);
    return `UPDATE ${table.name} SET ${column.name} = ${literal(table, column, random)}
            WHERE ${this.#isKey(table)}`;
  }

  /** Many rows by one statement. */
  many(table) {
    const columns = otherColumns(table);
    const values = Array.from({ length: this.random.between(20, 200) }, () =>
      `(${[...this.#key(table), ...columns.map((one) => literal(table, one, this.random))]
        .join(', ')})`);
    const names = [...table.key, ...columns.map(({ name }) => name)].join(', ');
    return `INSERT INTO ${table.name} (${names}) VALUES ${values.join(', ')}
            ON CONFLICT DO NOTHING`;
  }
}

const kinds = { put: 30, change: 25, move: 25, remove: 14, rename: 6, touch: 4, many: 0.7,
  truncate: 0.25 };

/** The statements of one transaction, {statements, asynchronous}. */
export function transaction(world, notes, random) {
  const make = new Statements(world, random);
  const statement = () => {
    const table = random.pick([...world.tables, ...world.items]);
    const text = make[random.weighted(kinds)](table);
    // Teams that are referred to cannot be truncated, nor can a key that others point to change.
    return table.name === 'teams' && /^TRUNCATE/.test(text) ? make.put(table) : text;
  };
  const statements = [];
  for (let rest = random.weighted({ 1: 5, 3: 3, 8: 2 }); rest > 0; rest--) {
    const undone = random.chance(0.1);
    if (undone) statements.push('SAVEPOINT here');
    statements.push(statement());
    if (undone) statements.push('ROLLBACK TO SAVEPOINT here');
  }
  const others = random.fork('notes');
  if (others.chance(0.25)) statements.push(...notes.statements(others));
  return { statements, asynchronous: random.chance(0.2), rollback: random.chance(0.05) };
}

/** The transactions of one writer. */
export class Writer {
  committed = 0;
  refused = 0;

  constructor({ pool, world, notes, random, pause_ms, hold }) {
    Object.assign(this, { pool, world, notes, random, pause_ms, hold });
    this.number = 0;
  }

  /** Transactions one after the other until `isOver()`; waits for `hold()` before each. */
  async run(isOver) {
    while (!isOver()) {
      await this.hold();
      await this.step();
      await delay(this.random.between(0, this.pause_ms));
    }
  }

  async step() {
    await this.attempt(transaction(this.world, this.notes, this.random.fork(this.number++)));
  }

  /** The version, or null if the transaction did not come to pass, or nobody can say. */
  async attempt(next) {
    try {
      const version = await this.commit(next);
      if (version !== null) this.committed++;
      return version;
    } catch (error) {
      if (isRefused(error)) this.refused++;
      else if (!isOutage(error)) throw error;
      return null;
    }
  }

  /** Commits; the version, or null if it was to be rolled back. */
  async commit({ statements, asynchronous, rollback }) {
    const connection = await this.pool.connect();
    let broken = true;
    try {
      await connection.query('BEGIN');
      if (asynchronous) await connection.query('SET LOCAL synchronous_commit = off');
      for (const text of statements) await connection.query(text);
      const [{ version }] = (await connection.query('SELECT history.commit() AS version')).rows;
      await connection.query(rollback ? 'ROLLBACK' : 'COMMIT');
      broken = false;
      return rollback ? null : Number(version);
    } catch (error) {
      if (!isOutage(error)) {
        error.message += `\nin ${statements.join(';\n')}`;
        await connection.query('ROLLBACK').then(() => { broken = false; }, () => {});
      }
      throw error;
    } finally {
      connection.release(broken);
    }
  }
}

/** Something for everybody to start with: rows that are there before the first deploy. */
export const seedStatements = (world, random) => {
  const make = new Statements(world, random);
  return [
    ...Array.from({ length: world.teamCount }, (_, n) =>
      `INSERT INTO teams VALUES (${world.team(n)}, ${world.anyUser(random)}, ${
        world.anyLevel(random)}, ${quote(`team ${n}`)})`),
    ...world.tables.flatMap((table) => Array.from({ length: 15 }, () => make.put(table))),
  ];
};
