// Changes of tables while everything else goes on. Columns that come and go this way are called
// ddl_N. What a row shows in them follows the table a moment later, not at one commit, so checks
// leave them out until clients have converged.
import { isUnlucky } from './outages.js';
import { alteredSql } from './history.js';
import { identitySql } from './world.js';

const isAdded = ({ name }) => name.startsWith('ddl_');

/** Types of such columns, with a literal of each; none has a line break. */
const types = {
  text: (random) => `'text ${random.between(0, 9)}'`,
  integer: (random) => String(random.between(-5, 5)),
  bigint: (random) => `${2n ** 62n + BigInt(random.between(0, 9))}`,
  boolean: (random) => random.pick(['true', 'false']),
  numeric: (random) => `${random.between(0, 9)}.50`,
};
types['character varying(40)'] = types.text;

const castable = { integer: ['bigint', 'text', 'numeric'], bigint: ['text', 'numeric'],
  boolean: ['text'], numeric: ['text'], text: ['character varying(40)'],
  'character varying(40)': ['text'] };

const columnOf = (name, type) => ({ name, type, literal: types[type] });

const replaced = ({ columns }, old, column) => columns.map((one) => (one === old ? column : one));

/** What a table's columns become, and the words of ALTER TABLE that make them so. */
const alterations = {
  add: ({ columns }, random, name) => {
    const column = columnOf(name, random.pick(Object.keys(types)));
    // The last is computed for each row, so the table is written anew.
    const initial = random.pick(['', '', `DEFAULT ${column.literal(random)}`,
      `DEFAULT CASE WHEN random() < 2 THEN ${column.literal(random)} END`]);
    return { columns: [...columns, column], words: `ADD ${name} ${column.type} ${initial}` };
  },
  drop: ({ columns }, random) => {
    const old = random.pick(columns.filter(isAdded));
    return { columns: columns.filter((one) => one !== old), words: `DROP ${old.name}` };
  },
  rename: (table, random, name) => {
    const old = random.pick(table.columns.filter(isAdded));
    return { columns: replaced(table, old, { ...old, name }),
      words: `RENAME ${old.name} TO ${name}` };
  },
  retype: (table, random) => {
    const old = random.pick(table.columns.filter(isAdded));
    const type = random.pick(castable[old.type]);
    return { columns: replaced(table, old, columnOf(old.name, type)),
      words: `ALTER ${old.name} DROP DEFAULT,
        ALTER ${old.name} TYPE ${type} USING ${old.name}::${type}` };
  },
};

/** Adds, drops, renames or converts a column. */
export async function alterTable(run, random) {
  const table = random.pick(run.world.items);
  const kind = table.columns.some(isAdded)
    ? random.weighted({ add: 4, drop: 2, rename: 2, retype: 2 }) : 'add';
  const { columns, words } = alterations[kind](table, random, `ddl_${run.nextColumn++}`);
  const connection = await run.pool.connect();
  try {
    await connection.query(`BEGIN; ALTER TABLE ${table.name} ${words};
      ${alteredSql({ ...table, columns }, table)} SELECT history.commit(); COMMIT`);
    table.columns = columns;
  } catch (error) {
    if (!isUnlucky(error)) throw error;
    await learnColumns(run, table, [table.columns, columns]);
  } finally {
    connection.release(true);
  }
}

/** Nobody said whether a change was committed: looks which of `versions` the table has now. */
async function learnColumns(run, table, versions) {
  const rows = await run.query(`SELECT attname AS name, format_type(atttypid, atttypmod) AS type
    FROM pg_attribute WHERE attrelid = $1::regclass AND attname LIKE 'ddl%' AND NOT attisdropped`,
  [table.name]);
  const text = (columns) => JSON.stringify(columns.filter(isAdded).map(({ name, type }) =>
    `${name} ${type}`).sort());
  const columns = versions.find((version) => text(version) === text(rows));
  if (!columns) throw new Error(`${table.name} has the columns ${text(rows)}`);
  table.columns = columns;
}

/** A partition leaves its table and comes back: itself, or a copy in its place. */
function returningPartitionSql({ name, partitions, identity }, random) {
  const remainder = random.between(0, partitions - 1);
  const part = `${name}_part${remainder}`;
  const copy = `CREATE TABLE copy (LIKE ${part} INCLUDING ALL);
    INSERT INTO copy SELECT * FROM ${part};
    DROP TABLE ${part};
    ALTER TABLE copy RENAME TO ${part};
    ALTER TABLE ${part} REPLICA IDENTITY ${identitySql[identity]};`;
  return `LOCK TABLE ${name};
    ALTER TABLE ${name} DETACH PARTITION ${part};
    ${random.chance(0.5) ? copy : ''}
    ALTER TABLE ${name} ATTACH PARTITION ${part}
      FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder})`;
}

/** Writes a table's rows elsewhere, or says differently which row a change is of: nothing that
 * anybody sees. */
export async function rewriteTable(run, random) {
  const table = random.pick(run.world.items);
  const { name, identity, partitions } = table;
  const ways = [`VACUUM FULL ${name}`, `ALTER TABLE ${name} ALTER level TYPE bigint`,
    `ALTER TABLE ${name} ALTER level TYPE integer`];
  if (partitions) ways.push(returningPartitionSql(table, random));
  if (identity !== 'i' && !partitions) {
    ways.push(`ALTER TABLE ${name} REPLICA IDENTITY FULL`,
      `ALTER TABLE ${name} REPLICA IDENTITY DEFAULT`);
  }
  await run.query(random.pick(ways)).catch((error) => {
    if (!isUnlucky(error)) throw error;
  });
}

/** A row's text for comparing, without columns that come and go. */
export const withoutAdded = (row) => (!/^ddl_/m.test(row) ? row
  : row.split('\n').filter((line) => !/^ddl_\d+=/.test(line)).join('\n'));
