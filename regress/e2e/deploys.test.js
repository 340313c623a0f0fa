// Configs change while clients are connected and everything is written to: clients stay connected,
// see the old state, then the new one, and get nothing again that has not changed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';

import { BareClient } from './lib/bare_client.js';
import { RawStream } from './lib/raw_stream.js';
import { Server } from './lib/server.js';
import { Sidecar } from './lib/sidecar.js';
import { signToken } from './lib/token.js';

const deploys = 10;
const seed = Number(process.env.SEED ?? 1);

// Mulberry32: the same deploys for the same seed.
let state = seed;
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}

/** Each makes a stream: its query, and what it shows a user, said in plain SQL. */
const candidates = [
  () => ({
    type: 'notes',
    query: 'SELECT * FROM notes WHERE owner = auth.user_id()',
    visible: 'SELECT * FROM notes WHERE owner = $1',
  }),
  () => {
    const least = 20 * random(5);
    return {
      type: 'large',
      query: `SELECT id, n FROM notes AS large WHERE n > ${least}`,
      visible: `SELECT id, n FROM notes WHERE n > ${least} AND $1 <> ''`,
    };
  },
  () => ({
    type: 'docs',
    query: `SELECT * FROM docs WHERE team IN
              (SELECT team FROM members WHERE user_id = auth.user_id())`,
    visible: `SELECT * FROM docs WHERE team IN
                (SELECT team FROM members WHERE user_id = $1)`,
  }),
  () => {
    const columns = ['id, v', 'id, team', '*'][random(3)];
    return {
      type: 'all_docs',
      query: `SELECT ${columns} FROM docs AS all_docs`,
      visible: `SELECT ${columns} FROM docs WHERE $1 <> ''`,
    };
  },
];
const base = {
  type: 'base',
  query: 'SELECT * FROM base WHERE owner = auth.user_id()',
  visible: 'SELECT * FROM base WHERE owner = $1',
};

const randomStreams = () =>
  [base, ...candidates.filter(() => random(2) === 1).map((make) => make())];
const yamlOf = (streams) => JSON.stringify({
  config: { edition: 3 },
  streams: Object.fromEntries(streams.map(({ type, query }) =>
    [type, { auto_subscribe: true, query }])),
});

let server;
let sidecar;
const clients = {};
let writer;

before(async () => {
  server = await Server.start('pg_brigade.rollback_window = 1');
  await server.query(`
    CREATE TABLE base (id text PRIMARY KEY, owner text, v integer);
    CREATE TABLE notes (id text PRIMARY KEY, owner text, n integer, body text);
    CREATE TABLE docs (id text PRIMARY KEY, team integer, v integer);
    CREATE TABLE members (id text PRIMARY KEY, user_id text, team integer);
    INSERT INTO base SELECT n::text, (ARRAY['anna', 'bert', 'quiet'])[1 + n % 3], 0
      FROM generate_series(1, 300) n;
    INSERT INTO notes SELECT n::text, (ARRAY['anna', 'bert', 'carl'])[1 + n % 3], n % 100,
      repeat(md5(n::text), 3) FROM generate_series(1, 6000) n;
    INSERT INTO docs SELECT n::text, n % 10, 0 FROM generate_series(1, 1000) n;
    INSERT INTO members VALUES ('a', 'anna', 0), ('b', 'bert', 1), ('ab', 'anna', 1);
    CREATE EXTENSION pg_brigade`);
  await deploy([base]);
  sidecar = await Sidecar.start(server);
  for (const user of ['anna', 'bert']) {
    clients[user] = await BareClient.open({
      url: () => sidecar.url, token: () => signToken(user), parameters: {}, subscriptions: [],
    });
  }
});
after(async () => {
  await writer?.pause();
  for (const client of Object.values(clients)) await client.close();
  await sidecar?.stop();
  await server?.stop();
});

/** Resolves when the config is in force. */
async function deploy(streams) {
  const [{ id }] = await server.query(
    `SELECT (brigade.deploy($1) ->> 'config')::int AS id`, [yamlOf(streams)]);
  for (const deadline = Date.now() + 60_000; ; await delay(10)) {
    const [{ state: now, error }] = await server.query(
      'SELECT state, error FROM brigade.sync_config WHERE id = $1', [id]);
    if (now === 'active') return;
    assert.equal(now, 'processing', error);
    assert.ok(Date.now() < deadline, 'the config never comes into force');
  }
}

/** Writes to all tables without end; rows of the user `quiet` are left alone. */
class Writer {
  written_to_base = 0;
  #going;

  resume() {
    this.stopping = false;
    this.#going = (async () => {
      for (let n = 0; !this.stopping; n++) await this.#write(n);
    })();
    this.#going.catch(() => {}); // It is told by pause().
  }

  async #write(n) {
    const id = String(1 + random(6000));
    await server.query(`UPDATE notes SET n = (n + 7) % 100 WHERE id = $1`, [id]);
    await server.query(`UPDATE docs SET v = v + 1, team = (team + 1) % 10 WHERE id = $1`,
      [String(1 + random(1000))]);
    const changed = await server.query(`UPDATE base SET v = v + 1
      WHERE id = $1 AND owner <> 'quiet' RETURNING id`, [String(1 + random(300))]);
    this.written_to_base += changed.length;
    if (n % 5 === 0) {
      await server.query(`INSERT INTO notes VALUES ('new ' || $1::text, 'anna', 50, 'new')
                          ON CONFLICT (id) DO UPDATE SET owner = 'bert'`, [String(random(500))]);
      await server.query(`DELETE FROM notes WHERE id = $1`, [String(1 + random(6000))]);
    }
    if (n % 20 === 0) {
      await server.query(`UPDATE members SET team = (team + 1) % 10 WHERE id = 'ab'`);
    }
  }

  async pause() {
    this.stopping = true;
    await this.#going;
  }
}

async function expectedOf(user, streams) {
  const rows = new Map();
  for (const { type, visible } of streams) {
    const found = await server.query(
      `SELECT id, to_jsonb(shown) AS data FROM (${visible}) shown`, [user]);
    for (const { id, data } of found) rows.set(`${type} ${id}`, data);
  }
  return rows;
}

const heldBy = async (client) => new Map((await client.rows()).map(
  ({ type, id, data }) => [`${type} ${id}`, JSON.parse(data)]));

async function inSync(user, streams) {
  const expected = await expectedOf(user, streams);
  let held;
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await delay(50)) {
    held = await heldBy(clients[user]);
    if (isDeepStrictEqual(held, expected)) return;
  }
  const differing = [...new Set([...held.keys(), ...expected.keys()])]
    .filter((key) => !isDeepStrictEqual(held.get(key), expected.get(key)));
  assert.fail(`${user} differs in ${differing.length} rows: ${differing.slice(0, 5).map((key) =>
    `${key}: ${JSON.stringify(held.get(key))}, not ${JSON.stringify(expected.get(key))}`)}`);
}

const countBase = async () => (await server.query(
  `SELECT count(*)::int AS count FROM brigade.operation WHERE object_type = 'base'`))[0].count;

test(`clients stay connected through ${deploys} random deploys (SEED=${seed})`, async (t) => {
  for (const user of Object.keys(clients)) await inSync(user, [base]);
  const follower = await RawStream.open(sidecar, 'anna', { include_defaults: true,
    subscriptions: [] });
  const unconcerned = await RawStream.open(sidecar, 'quiet', { include_defaults: false,
    subscriptions: [{ stream: 'base', parameters: null, override_priority: null }] });
  t.after(() => Promise.all([follower.close(), unconcerned.close()]));
  while (unconcerned.completed === 0 || follower.completed === 0) await delay(10);
  assert.equal(unconcerned.operations, 100, 'the first download');
  const base_before = await countBase();
  const lines_before = sidecar.output.length;
  writer = new Writer();

  let streams = [base];
  let replaced = 0;
  for (let n = 0; n < deploys; n++) {
    const next = randomStreams();
    writer.resume();
    await deploy(next);
    await delay(100); // The load goes on beside the new config.
    await writer.pause();
    for (const user of Object.keys(clients)) await inSync(user, next);
    if (!isDeepStrictEqual(yamlOf(next), yamlOf(streams))) replaced++;
    streams = next;
  }

  assert.ok(replaced > deploys / 2, 'the deploys differ');
  assert.equal(await countBase() - base_before, writer.written_to_base,
    'an unchanged stream gets one operation for each row written');
  assert.equal(unconcerned.operations, 100, 'its clients get not one operation');
  assert.equal(follower.changes().length, 1 + replaced, follower.changes().join('\n'));
  for (const stream of [follower, unconcerned]) assert.equal(stream.ended, false, stream.error);
  const cut = sidecar.output.slice(lines_before)
    .filter((line) => /stream (started|ended)/.test(line));
  assert.deepEqual(cut, [], 'no client had to connect again');
});
