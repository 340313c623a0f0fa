// Tables that are created, dropped, renamed and created again while everything goes on. Configs
// read all of them by a wildcard, and queries at a version by one view, `as_of.note`. The id of a
// row names the slot its table is in, so that no two tables have the same row.
import { isUnlucky } from './outages.js';
import { liveSql, triggersSql } from './history.js';

const slot_count = 4;
const key_count = 8;

/** All notes together, as other tables are described. */
export const notesTable = (world) => ({
  name: 'note', key: ['id'],
  columns: [
    { name: 'id', type: 'text' },
    { name: 'owner', type: 'text', literal: world.anyUser },
    { name: 'team', type: world.teamType, literal: world.anyTeam },
    { name: 'level', type: 'integer', literal: world.anyLevel },
    { name: 'active', type: 'boolean', literal: (random) => random.pick(['true', 'NULL']) },
    { name: 'body', type: 'text',
      literal: (random) => `repeat('ab', ${random.pick([1, 3000])})` },
  ],
});

/** What one reads all notes from, and what their rows are called at the client. */
export const notesOutput = (world) => ({ name: 'notes', table: world.notes, select: 'notes.*',
  from: '"note_%" AS notes', historicalFrom: 'note AS notes' });

/** The names a slot's table can have; the wildcard matches the first two. */
const namesOf = (slot) => [`note_${slot}`, `note_${slot}_again`, `away_${slot}`];
const isRead = (name) => name.startsWith('note_');

function putSql({ columns }, name, slot, random) {
  const [, ...others] = columns;
  const values = others.map(({ literal }) => literal(random));
  return `INSERT INTO ${name} VALUES ('${slot}:${random.between(0, key_count - 1)}', ${
    values.join(', ')}) ON CONFLICT (id) DO UPDATE SET ${
    others.map((column) => `${column.name} = excluded.${column.name}`).join(', ')}`;
}

const createSql = ({ columns }, name, slot, random) => `CREATE TABLE ${name} (${
  columns.map((column) => `${column.name} ${column.type}`).join(', ')}, PRIMARY KEY (id));
  ALTER TABLE ${name} ALTER body SET STORAGE EXTERNAL;
  ALTER TABLE ${name} REPLICA IDENTITY ${random.pick(['DEFAULT', 'FULL'])};
  ${triggersSql({ name: 'note' }, name)}
  ${isRead(name) ? '' : `ALTER TABLE ${name} DISABLE TRIGGER USER;`}
  ${Array.from({ length: key_count }, () => putSql({ columns }, name, slot, random)).join(';')};`;

/** What is in the slots: the name of a table, or null. */
export class Notes {
  #names = Array.from({ length: slot_count }, () => null);
  #changed = new Set(); // Slots whose table came or went since clients converged.

  constructor(world) {
    this.table = world.notes;
  }

  /** Statements on one of the tables, if there is any; it may be gone when they are executed. */
  statements(random) {
    const slot = random.pick([...this.#names.keys()].filter((one) => this.#names[one]));
    return slot === undefined ? [] : [this.#statement(this.#names[slot], slot, random)];
  }

  #statement(name, slot, random) {
    const [, ...others] = this.table.columns;
    const { name: column, literal } = random.pick(others);
    switch (random.weighted({ put: 6, change: 3, remove: 2, truncate: 0.2 })) {
      case 'put': return putSql(this.table, name, slot, random);
      case 'change': return `UPDATE ${name} SET ${column} = ${literal(random)}
        WHERE level = ${random.between(0, 5)}`;
      case 'remove': return `DELETE FROM ${name} WHERE level = ${random.between(0, 5)}`;
      default: return `TRUNCATE ${name}`;
    }
  }

  /** Whether clients must show that row as it was at each version. What a table has follows its
   * coming and going a moment later. */
  counts(object) {
    const [, slot] = /^notes (\d+):/.exec(object) ?? [];
    return slot === undefined || !this.#changed.has(Number(slot));
  }

  settle() {
    this.#changed.clear();
  }

  /** Makes a table come, go, or have another name. */
  async change(run, random) {
    const slot = random.between(0, slot_count - 1);
    const old = this.#names[slot];
    const [usual, other, unread] = namesOf(slot);
    const name = random.pick([null, usual, usual, usual, other, unread]);
    this.#changed.add(slot);
    const connection = await run.pool.connect();
    try {
      await connection.query(`BEGIN; ${this.#changeSql(slot, old, name, random)}
        SELECT history.commit(); COMMIT`);
      this.#names[slot] = name;
    } catch (error) {
      if (!isUnlucky(error)) throw error;
      this.#names[slot] = await this.#find(run, slot);
    } finally {
      connection.release(true);
    }
  }

  #changeSql(slot, old, name, random) {
    if (old === name || old === null) {
      return `${old ? this.#dropSql(slot, old) : ''}
        ${name ? createSql(this.table, name, slot, random) : ''}`;
    }
    if (name === null) return this.#dropSql(slot, old);
    return `ALTER TABLE ${old} RENAME TO ${name}; ${this.#followSql(slot, old, name)}`;
  }

  #dropSql(slot, name) {
    return `DROP TABLE ${name}; ${isRead(name) ? this.#endSql(slot) : ''}`;
  }

  #endSql(slot) {
    return liveSql.end(this.table, `id LIKE '${slot}:%'`);
  }

  /** What a rename means for the history. */
  #followSql(slot, old, name) {
    if (isRead(old) === isRead(name)) return '';
    return isRead(name)
      ? `ALTER TABLE ${name} ENABLE TRIGGER USER; ${liveSql.begin(this.table, name)}`
      : `ALTER TABLE ${name} DISABLE TRIGGER USER; ${this.#endSql(slot)}`;
  }

  async #find(run, slot) {
    const [row] = await run.query(
      `SELECT relname FROM pg_class WHERE relname = ANY($1) AND relkind = 'r'`, [namesOf(slot)]);
    return row?.relname ?? null;
  }
}
