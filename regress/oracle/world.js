// A random schema and the people in it. Tables are teams, members (who is in which team) and some
// item tables, which differ in key, replica identity, columns and foreign keys.
import { createHash } from 'node:crypto';

import { notesTable } from './notes.js';

export const quote = (value) =>
  (value === null || value === undefined ? 'NULL' : `'${String(value).replaceAll("'", "''")}'`);

const oddTexts = ['', ' ', "o'neil", 'größe 😀', 'back\\slash "quoted"', 'tab\tand\nnewline', '%_',
  '{"json": 1}', 'null', '0', '1e3', 'ÅÄÖ', '\u{10ffff}', '[]', 'a:b'];

const uuid = (text) => createHash('md5').update(text).digest('hex')
  .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-4$3-8$4-$5');

/** Values of keys: the n-th of a table or of the teams. */
const keyValues = {
  uuid: (n, name) => uuid(`${name}${n}`),
  text: (n) => (n < oddTexts.length && n % 3 === 2 ? `${oddTexts[n]}${n}` : `key ${n}`),
  bigint: (n) => (n % 7 === 6 ? `${2n ** 60n + BigInt(n)}` : String(n)),
};

const instants = ['infinity', '-infinity', '2024-02-29 23:59:59.999999+00',
  '1999-12-31 12:00:00+05', '2026-07-01 00:00:00.1-03:30', '0001-01-01 00:00:00+00'];

const arrayOf = (values) => `ARRAY[${values.join(', ')}]`;

/** Types of columns nobody filters by: Postgres's name and random literals of them. */
const payloads = {
  text: (random) => quote(random.pick(oddTexts)),
  bigint: (random) => random.pick(['9223372036854775807', '-9223372036854775808', '0', '42']),
  smallint: (random) => String(random.between(-32768, 32767)),
  numeric: (random) => random.pick(['1.50', '0', "'NaN'", '123456789012345678901234567890.1']),
  'double precision': (random) =>
    random.pick(['1.5', '0', "'-0'", "'Infinity'", '1e300', '0.1', "'NaN'", '-2.5e-7', '1e15']),
  real: (random) => random.pick(['0.1', '3', '1e10', "'-Infinity'"]),
  timestamptz: (random) => quote(random.pick(instants)),
  timestamp: (random) => quote(random.pick(instants)),
  date: (random) => quote(random.pick(['2024-02-29', '1970-01-01', '9999-12-31'])),
  interval: (random) => quote(random.pick(['1 day 02:03:04', '-1 mons', '0'])),
  jsonb: (random) => quote(random.pick(['{"b": [1, 2.50, null], "a": "é"}', '[]', '"x"', 'null'])),
  json: (random) => quote(random.pick(['{"b":  1,"b":2}', '[ ]', '1.0'])),
  uuid: (random) => quote(uuid(`${random.between(1, 9)}`)),
  inet: (random) => quote(random.pick(['10.0.0.1/8', '::1'])),
  'integer[]': (random) => random.pick(["'{}'", "'{1,NULL,-3}'", "'{7}'"]),
  'text[]': (random) => `${arrayOf(random.some(oddTexts, 0.3).map(quote))}::text[]`,
  'timestamptz[]': (random) => `${arrayOf([quote(random.pick(instants))])}::timestamptz[]`,
  mood: (random) => quote(random.pick(['happy', 'so so', "it's bad"])),
};

const users = (random) => Array.from({ length: random.between(4, 8) }, (_, n) => `user ${n}`);

const column = (name, type, literal) => ({ name, type, literal });

function teamsTable(world) {
  return {
    name: 'teams', keyCount: world.teamCount, key: ['id'], identity: world.random.pick(['d', 'f']),
    columns: [
      column('id', world.teamType),
      column('owner', 'text', (random) => world.anyUser(random)),
      column('level', 'integer', (random) => world.anyLevel(random)),
      column('name', 'text', (random) => quote(random.pick(oddTexts))),
    ],
  };
}

function membersTable(world) {
  const natural = world.random.chance(0.4); // Without a key of their own, there are no duplicates.
  return {
    name: 'members', keyCount: 40, natural, key: natural ? ['team', 'usr'] : ['id'],
    identity: world.random.pick(['d', 'f']), foreignKeys: world.random.chance(0.5) ? ['team'] : [],
    columns: [
      ...(natural ? [] : [column('id', 'bigint')]),
      column('team', world.teamType, (random) => world.anyTeam(random)),
      column('usr', 'text', (random) => world.anyUser(random)),
      column('level', 'integer', (random) => world.anyLevel(random)),
      column('active', 'boolean', (random) => random.pick(['true', 'true', 'false', 'NULL'])),
    ],
  };
}

const nullable = (literal, chance = 0.15) =>
  (random) => (random.chance(chance) ? 'NULL' : literal(random));

const bigText = (random) =>
  `repeat(${quote(random.pick(['ab', 'ü', '0123456789']))}, ${random.pick([10, 3000, 20000])})`;

function itemColumns(world, random) {
  const some = (chance, ...columns) => (random.chance(chance) ? columns : []);
  const names = Object.keys(payloads);
  return [
    column('owner', 'text', nullable((r) => world.anyUser(r))),
    column('team', world.teamType, nullable((r) => world.anyTeam(r))),
    column('level', 'integer', nullable((r) => world.anyLevel(r))),
    column('active', 'boolean', nullable((r) => r.pick(['true', 'false']))),
    ...some(0.6, column('viewers', 'text[]',
      nullable((r) => `${arrayOf(r.some(world.users, 0.3).map(quote))}::text[]`))),
    ...some(0.5, column('tags', 'jsonb',
      nullable((r) => quote(JSON.stringify(r.some(world.tags, 0.4)))))),
    ...some(0.5, { ...column('big', 'text', nullable(bigText)), external: random.chance(0.7) }),
    ...random.some(names, 0.2).map((type) =>
      column(`p_${names.indexOf(type)}`, type, nullable(payloads[type]))),
  ];
}

function itemTable(world, n) {
  const random = world.random.fork(`item ${n}`);
  const keyKind = random.pick(['uuid', 'text', 'bigint', 'composite']);
  const keyColumns = keyKind === 'composite'
    ? [column('k1', 'integer'), column('k2', 'text')] : [column('id', keyKind)];
  const identity = random.weighted({ d: 3, f: 2, i: 1 });
  return {
    name: `item${n}`, keyKind, keyCount: random.pick([5, 25, 60]), identity,
    key: keyColumns.map(({ name }) => name),
    foreignKeys: random.chance(0.4) ? ['team'] : [],
    partitions: identity !== 'i' && random.fork('partitions').chance(0.3) ? 3 : 0,
    columns: [
      ...keyColumns,
      ...itemColumns(world, random),
      // What the replica identity is by, and may change while the primary key stays.
      ...(identity === 'i' ? [column('alt', 'bigint', () => "nextval('alternatives')")] : []),
    ],
  };
}

/** The key of the n-th row as SQL literals, in the order of `table.key`. */
export function keyLiterals(world, table, n) {
  if (table.name === 'teams') return [world.team(n)];
  if (table.natural) {
    const { users: people, teamCount } = world;
    return [world.team(n % teamCount), quote(people[Math.floor(n / teamCount) % people.length])];
  }
  if (table.keyKind === 'composite') return [String(n % 5), quote(`${oddTexts[n % 7]}${n}`)];
  return [quote(keyValues[table.keyKind ?? 'bigint'](n, table.name))];
}

/** The world of a seed: {users, tags, tables, …}; the same seed gives the same world. */
export function createWorld(seed) {
  const random = seed.fork('world');
  const world = { random, users: users(random), tags: ['red', 'green', 'blue', "it's"] };
  world.teamType = random.pick(['uuid', 'text', 'bigint']);
  world.teamCount = random.between(3, 7);
  world.teamValue = (n) => keyValues[world.teamType](n, 'team');
  world.team = (n) => quote(world.teamValue(n));
  world.anyTeam = (r) => world.team(r.between(0, world.teamCount - 1));
  world.anyUser = (r) => quote(r.pick(world.users));
  world.anyLevel = (r) => String(r.between(0, 5));
  world.items = Array.from({ length: random.between(2, 4) }, (_, n) => itemTable(world, n));
  world.tables = [teamsTable(world), membersTable(world), ...world.items];
  world.notes = notesTable(world);
  return world;
}

export const identitySql = { d: 'DEFAULT', f: 'FULL' };

/** The table's partitions, which hold its rows, or the table itself. */
const leaves = ({ name, partitions }) =>
  (partitions ? Array.from({ length: partitions }, (_, n) => `${name}_part${n}`) : [name]);

const leafSql = (table) => (name, n) => {
  const identity = identitySql[table.identity] ?? `USING INDEX ${name}_alt_key`;
  const external = table.columns.filter((candidate) => candidate.external).map((column) =>
    `ALTER TABLE ${name} ALTER ${column.name} SET STORAGE EXTERNAL;`);
  return [
    ...(table.partitions ? [`CREATE TABLE ${name} PARTITION OF ${table.name}
      FOR VALUES WITH (MODULUS ${table.partitions}, REMAINDER ${n});`] : []),
    `ALTER TABLE ${name} REPLICA IDENTITY ${identity};`, ...external].join('\n');
};

function tableSql(table) {
  const parts = table.columns.map(({ name, type }) =>
    `${name} ${type}${name === 'alt' ? ' NOT NULL UNIQUE' : ''}`);
  parts.push(`PRIMARY KEY (${table.key.join(', ')})`);
  for (const name of table.foreignKeys ?? []) {
    parts.push(`FOREIGN KEY (${name}) REFERENCES teams ON DELETE CASCADE`);
  }
  return `CREATE TABLE ${table.name} (${parts.join(', ')})
    ${table.partitions ? `PARTITION BY HASH (${table.key[0]})` : ''};
    ${leaves(table).map(leafSql(table)).join('\n')}`;
}

export const schemaSql = (world) => [
  `CREATE TYPE mood AS ENUM ('happy', 'so so', 'it''s bad');`,
  'CREATE SEQUENCE alternatives;',
  ...world.tables.map(tableSql),
].join('\n');
