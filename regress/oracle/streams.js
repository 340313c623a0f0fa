// Random sync configs. Every condition is generated twice: as the config says it, and as plain SQL
// for one user, in which nothing of the extension takes part.
import { notesOutput } from './notes.js';
import { quote } from './world.js';

// SQL says what the config says with `binding`: {user, claims, connection, subscription}.
const same = (text) => ({ config: text, sql: () => text });

const equals = (parameter, value) => (column, cast) => ({
  config: `${column} = ${parameter}`,
  sql: (binding) => `${column} = ${quote(value(binding))}::${cast}`,
});

const isUser = equals('auth.user_id()', (binding) => binding.user);

function memberCondition(random) {
  const text = random.pick(['', '', ' AND m.active = true', ' AND m.level >= 2',
    ' AND m.active IS NOT NULL', ' AND (m.active = true OR m.level = 0)', ' AND NOT m.level = 3']);
  return { config: text, sql: text };
}

/** column IN (teams of the user). */
function inMyTeams(column, random) {
  const { config, sql } = memberCondition(random);
  const select = `${column} IN (SELECT m.team FROM members m WHERE m.usr = `;
  return {
    config: `${select}auth.user_id()${config})`,
    sql: ({ user }) => `${select}${quote(user)}${sql})`,
  };
}

function inTeamsTwoHops(column, random) {
  const inner = inMyTeams('g.id', random);
  const select = `${column} IN (SELECT g.id FROM teams g WHERE g.level < 4 AND `;
  return {
    config: `${select}${inner.config})`,
    sql: (binding) => `${select}${inner.sql(binding)})`,
  };
}

/** Rows whose owner is in a team with the user. */
function ofMyColleagues(column) {
  const select = `${column} IN (SELECT a.usr FROM members a JOIN members b ON a.team = b.team
    WHERE b.usr = `.replace(/\s+/g, ' ');
  return {
    config: `${select}auth.user_id())`,
    sql: ({ user }) => `${select}${quote(user)})`,
  };
}

const inList = (parameter, value) => (column) => ({
  config: `${column} IN ${parameter}`,
  sql: (binding) => {
    const list = value(binding);
    if (!Array.isArray(list)) return 'false';
    return `${column}::text = ANY(ARRAY[${list.map(quote).join(', ')}]::text[])`;
  },
});

const gate = (role) => ({
  config: `auth.parameter('role') = '${role}'`,
  sql: ({ claims }) => (claims.role === role ? 'true' : 'false'),
});

const overlaps = (column, random) => {
  const inner = `(SELECT m.usr FROM members m WHERE m.level = ${random.between(0, 5)} AND m.usr = `;
  return {
    config: `${column} && ${inner}auth.user_id())`,
    sql: ({ user }) => `${column} && ARRAY${inner}${quote(user)})`,
  };
};

/** Conditions that make sense for `table`, read as `name`. */
function atoms(world, table, name) {
  const has = (column) => table.columns.some((candidate) => candidate.name === column);
  const column = (text) => `${name}.${text}`;
  const { teamType } = world;
  const list = {
    owner: () => isUser(column('owner'), 'text'),
    myTeams: (random) => inMyTeams(column('team'), random),
    twoHops: (random) => inTeamsTwoHops(column('team'), random),
    colleagues: () => ofMyColleagues(column('owner')),
    claimedTeams: () => inList(`auth.parameter('teams')`, ({ claims }) => claims.teams)(
      column('team')),
    admin: () => gate('admin'),
    level: (random) => same(`${column('level')} ${random.pick(['>', '<=', '=', '!='])} ${
      random.between(1, 4)}`),
    between: () => same(`${column('level')} BETWEEN 1 AND 3`),
    active: (random) => same(`${column('active')} ${random.pick(['= true', 'IS NULL', '= false',
      'IS NOT NULL'])}`),
    not: () => same(`NOT (${column('level')} = 2 AND ${column('active')} = true)`),
    connectionLevel: () => equals(`connection.parameter('level')`,
      ({ connection }) => connection.level)(column('level'), 'integer'),
    subscribedTeam: () => equals(`subscription.parameter('team')`,
      ({ subscription }) => subscription.team)(column('team'), teamType),
    subscribedLevel: () => equals(`subscription.parameter('level')`,
      ({ subscription }) => subscription.level)(column('level'), 'integer'),
  };
  if (has('viewers')) {
    list.viewers = () => ({
      config: `auth.user_id() IN ${column('viewers')}`,
      sql: ({ user }) => `${quote(user)} = ANY(${column('viewers')})`,
    });
    list.overlaps = (random) => overlaps(column('viewers'), random);
  }
  if (has('tags')) {
    list.tag = () => ({
      config: `connection.parameter('tag') IN ${column('tags')}`,
      sql: ({ connection }) => `${column('tags')} ? ${quote(connection.tag)}`,
    });
  }
  return list;
}

const combine = (word, parts) => ({
  config: `(${parts.map(({ config }) => config).join(` ${word} `)})`,
  sql: (binding) => `(${parts.map(({ sql }) => sql(binding)).join(` ${word} `)})`,
});

const usesSubscription = (name) => name.startsWith('subscribed');

/** A random condition: an atom, or some with AND and OR. */
function condition(world, output, random, { subscription }) {
  const available = atoms(world, output.table, output.name);
  const names = Object.keys(available).filter((name) => subscription || !usesSubscription(name));
  const atom = () => available[random.pick(names)](random);
  switch (random.weighted({ one: 4, and: 3, or: 3, both: 2 })) {
    case 'one': return atom();
    case 'and': return combine('AND', [atom(), atom()]);
    case 'or': return combine('OR', [atom(), atom()]);
    default: return combine('AND', [atom(), combine('OR', [atom(), atom()])]);
  }
}

/** What tables are called at the client and which columns they have there; each has two forms. */
function outputs(world) {
  return [...world.items, ...world.tables.slice(0, 2)].flatMap((table) => {
    const { name, key } = table;
    const short = `${name}_short`;
    const joined = (alias) => `${key.map((part) => `${alias}.${part}`).join(` || ':' || `)} AS id`;
    const hasId = key.includes('id');
    return [
      { name, table, from: name, select: hasId ? `${name}.*` : `${name}.*, ${joined(name)}` },
      { name: short, table, from: `${name} AS ${short}`,
        select: `${hasId ? `${short}.id` : joined(short)}, ${short}.level * 2 AS twice` },
    ];
  });
}

function joinQuery(output, random) {
  const { config, sql } = memberCondition(random);
  const column = output.table.name === 'teams' ? 'id' : 'team';
  const { name } = output;
  return {
    output,
    config: `SELECT ${output.select} FROM ${output.from} JOIN members m ON ${name}.${column} =
      m.team WHERE m.usr = auth.user_id()${config}`.replace(/\s+/g, ' '),
    sql: ({ user }) => `EXISTS (SELECT FROM members m WHERE ${name}.${column} = m.team
      AND m.usr = ${quote(user)}${sql})`,
  };
}

function plainQuery(world, output, random, options) {
  const select = `SELECT ${output.select} FROM ${output.from}`;
  if (random.chance(0.08)) return { output, config: select, sql: () => 'true' };
  const { config, sql } = condition(world, output, random, options);
  return { output, config: `${select} WHERE ${config}`, sql };
}

/** Conditions of members and teams name columns they have not got. */
function fitting(output) {
  return !['teams', 'members'].includes(output.table.name);
}

function query(world, output, random, options) {
  if (!fitting(output)) {
    const name = output.table.name === 'teams' ? 'owner' : 'usr';
    const { config, sql } = isUser(`${output.name}.${name}`, 'text');
    return { output, sql,
      config: `SELECT ${output.select} FROM ${output.from} WHERE ${config}` };
  }
  return random.chance(0.15) ? joinQuery(output, random)
    : plainQuery(world, output, random, options);
}

function stream(world, name, random) {
  const onDemand = random.chance(0.35);
  const all = outputs(world);
  const queries = Array.from({ length: random.weighted({ 1: 4, 2: 1 }) === '2' ? 2 : 1 },
    () => query(world, random.pick(all), random, { subscription: onDemand }));
  return { name, onDemand, queries, priority: random.pick([undefined, undefined, 1, 2, 3]) };
}

function notesStream(world, random) {
  const output = notesOutput(world);
  const all = { output, config: `SELECT ${output.select} FROM ${output.from}`, sql: () => 'true' };
  return { name: 'notes', onDemand: false,
    queries: [random.chance(0.5) ? all : query(world, output, random, { subscription: false })] };
}

const streamYaml = ({ onDemand, queries, priority }) => ({
  auto_subscribe: !onDemand,
  accept_potentially_dangerous_queries: true,
  ...(priority === undefined ? {} : { priority }),
  ...(queries.length === 1 ? { query: queries[0].config }
    : { queries: queries.map(({ config }) => config) }),
});

export const streamNames = Array.from({ length: 8 }, (_, n) => `stream${n}`);
const marker = /^config(\d+)$/;

/** The n-th config of a world: {number, streams, yaml}. It shares some streams with others. */
export function createConfig(world, seed, number) {
  const streams = streamNames.flatMap((name) => {
    const random = seed.fork(`config ${name}`);
    const versions = [0, 1, 2].map((version) => stream(world, name, random.fork(version)));
    const choice = seed.fork(`config ${number} ${name}`);
    return choice.chance(0.8) ? [choice.chance(0.6) ? versions[0] : choice.pick(versions)] : [];
  });
  streams.push(notesStream(world, seed.fork(`notes ${seed.fork(`${number}`).between(0, 1)}`)));
  const yaml = JSON.stringify({ // JSON is YAML.
    config: { edition: 3 },
    streams: {
      [`config${number}`]: { auto_subscribe: true, query: 'SELECT * FROM oracle_clock' },
      ...Object.fromEntries(streams.map((one) => [one.name, streamYaml(one)])),
    },
  }, null, 1);
  return { number, streams, yaml };
}

/** The number of the config that a checkpoint's list of streams comes from. */
export const configNumber = (names) =>
  Number(names.map((name) => marker.exec(name)).find((match) => match)?.[1] ?? -1);

/** What identity may see under the config: a list of {type, sql}. */
export function expectedQueries(config, identity) {
  const found = new Map();
  for (const one of config.streams) {
    const subscribed = identity.subscriptions.filter(({ stream: name }) => name === one.name)
      .map(({ parameters }) => parameters ?? {});
    const bindings = one.onDemand ? subscribed : [{}, ...subscribed];
    for (const { output, sql } of one.queries) {
      const entry = found.get(output.name) ?? { output, conditions: new Set() };
      found.set(output.name, entry);
      for (const subscription of bindings) entry.conditions.add(sql({ ...identity, subscription }));
    }
  }
  const queries = [...found.values()].filter(({ conditions }) => conditions.size > 0)
    .map(({ output, conditions }) => ({
      type: output.name,
      // Postgres wants to know that an operand is a text.
      sql: `SELECT ${output.select.replaceAll(`':'`, `':'::text`)}
            FROM ${output.historicalFrom ?? output.from}
            WHERE (${[...conditions].join(')\n OR (')})`,
    }));
  return [{ type: 'oracle_clock', sql: 'SELECT * FROM oracle_clock' }, ...queries];
}

/** Someone's way of connecting: who they are, what they say and what they want. */
export function createIdentity(world, random) {
  const team = () => (world.teamType === 'bigint' ? Number : String)(
    world.teamValue(random.between(0, Math.min(world.teamCount, 6) - 1)));
  const parameters = () => ({ team: team(), level: random.between(0, 5) });
  return {
    user: random.pick(world.users),
    claims: {
      role: random.pick(['admin', 'user', null]),
      ...(random.chance(0.8) ? { teams: [team(), team()] } : {}),
    },
    connection: random.chance(0.8)
      ? { level: random.between(0, 5), tag: random.pick(world.tags) } : {},
    subscriptions: random.some(streamNames, 0.5).flatMap((name) =>
      Array.from({ length: random.between(1, 2) },
        () => ({ stream: name, parameters: parameters(), override_priority: null }))),
  };
}
