// Several sidecars and several servers: whatever of them goes away, clients go on with the rest.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { Proxy } from './lib/proxy.js';
import { RawClient, post } from './lib/raw_client.js';
import { Server } from './lib/server.js';
import { configuration, Sidecar } from './lib/sidecar.js';
import { Todo } from './lib/todo.js';
import { signToken } from './lib/token.js';

const groceries = '11111111-0000-4000-8000-000000000001';
const insert = (server, description) => server.query(
  `INSERT INTO todos (list_id, description) VALUES ($1, $2)`, [groceries, description]);
const uriOf = (...servers) =>
  `host=${servers.map(({ directory }) => directory).join(',')} user=postgres dbname=postgres`;

/** Ends the sidecar's sessions that match, as an administrator would. */
const terminate = (server, query) => server.query(`
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = 'brigade-sidecar' AND query LIKE $1`, [query]);

describe('one server', () => {
  let todo;
  let anna;

  before(async () => {
    todo = await Todo.start();
    anna = await todo.open('anna');
    await todo.inSync(anna);
  });
  after(() => todo?.stop());

  test('the sessions of the sidecar are set up for short queries', async () => {
    await todo.server.query(`
      CREATE OR REPLACE FUNCTION brigade.create_write_checkpoint(user_id text, client_id text)
        RETURNS bigint LANGUAGE sql
      AS $$ SELECT CASE WHEN current_setting('jit') = 'off'
                         AND current_setting('statement_timeout') = '1min' THEN 1 ELSE 0 END $$`);
    const answer = await fetch(`${todo.sidecar.url}/write-checkpoint2.json?client_id=c`,
      { headers: { authorization: `Token ${signToken('anna')}` } });
    assert.deepEqual(await answer.json(), { data: { write_checkpoint: '1' } });
  });

  test('what Postgres refuses for a moment is tried again', async () => {
    await todo.server.query(`
      CREATE SEQUENCE refusals;
      CREATE OR REPLACE FUNCTION brigade.create_write_checkpoint(user_id text, client_id text)
        RETURNS bigint LANGUAGE plpgsql
      AS $$ BEGIN
        IF client_id = 'refused' AND nextval('public.refusals') < 3 THEN
          RAISE 'conflict with recovery' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN 7;
      END $$`);
    const answer = await fetch(`${todo.sidecar.url}/write-checkpoint2.json?client_id=refused`,
      { headers: { authorization: `Token ${signToken('anna')}` } });
    assert.deepEqual(await answer.json(), { data: { write_checkpoint: '7' } });
    const [{ refusals }] = await todo.server.query(
      'SELECT last_value::int AS refusals FROM refusals');
    assert.equal(refusals, 3, 'two were refused');
  });

  test('sessions that an administrator ends are opened again, and nothing is missed', async () => {
    for (const query of ['%brigade.changes%', '%']) {
      const from = todo.sidecar.output.length;
      await terminate(todo.server, query);
      await insert(todo.server, `while ${query} was away`);
      await todo.inSync(anna);
      await todo.sidecar.says(/following primary/, { from });
    }
    const started = todo.sidecar.output.filter((line) => line.includes('stream started'));
    assert.equal(started.length, 1, 'the stream was not cut');
  });

  test('a new session of the sidecar is warm before a client asks for anything', async () => {
    const [{ now }] = await todo.server.query('SELECT now()::text');
    await terminate(todo.server, '%');
    const pool_size = 4;
    for (let warm = 0; warm < pool_size; await delay(10)) {
      [{ warm }] = await todo.server.query(`
        SELECT count(*)::int AS warm FROM pg_stat_activity
        WHERE application_name = 'brigade-sidecar' AND state = 'idle'
          AND query LIKE '%brigade.resolve%' AND backend_start > $1`, [now]);
    }
  });

  test('two sidecars: a client goes on at the other where the first left it', async () => {
    const first = await Sidecar.start(todo.server);
    const balancer = await Proxy.start(first);
    try {
      const bert = await todo.open('bert');
      const moving = await todo.open('anna', { sidecar: balancer });
      await insert(todo.server, 'for both');
      await Promise.all([anna, bert, moving].map((client) => todo.inSync(client)));
      await first.end('SIGKILL');
      first.port = todo.sidecar.port; // The balancer sends clients to the other from now on.
      await insert(todo.server, 'after the first has died');
      await Promise.all([anna, bert, moving].map((client) => todo.inSync(client)));
      await moving.db.disconnect();
    } finally {
      await balancer.stop();
      await first.stop();
    }
  });
});

describe('readiness', () => {
  let server;
  let sidecar;

  before(async () => {
    server = await Server.start();
    await server.query('CREATE ROLE sidecar LOGIN');
    const uri = `host=${server.directory} user=sidecar dbname=postgres`;
    sidecar = await Sidecar.start(server, { config: configuration(uri) });
  });
  after(async () => {
    await sidecar?.stop();
    await server?.stop();
  });

  test('not before the first checkpoint', async () => {
    assert.equal(await sidecar.readiness(), 400);
    await server.query(`CREATE EXTENSION pg_brigade; SELECT brigade.grant_sidecar('sidecar')`);
    await sidecar.says(/following primary/);
    assert.equal(await sidecar.readiness(), 400, 'no sync config is in force');
    assert.match(await RawClient.ask(sidecar.port, post('/sync/stream', '{}',
      { headers: { connection: 'close' } })), /^HTTP\/1.1 500 [^]*PSYNC_S2302/);
    await server.query(`
      CREATE TABLE lists (id text PRIMARY KEY);
      SELECT brigade.deploy('{config: {edition: 3},
                              streams: {all: {query: SELECT * FROM lists}}}')`);
    await sidecar.untilReadiness(200);
  });

  test('not while Postgres is away', async () => {
    await server.halt();
    await sidecar.untilReadiness(400, 5_000);
    await server.restart('fast');
    await sidecar.untilReadiness(200);
  });

  test('not while commits are not stored', async () => {
    const pid = await server.runningWorker();
    process.kill(pid, 'SIGSTOP');
    try {
      await sidecar.untilReadiness(400, 40_000);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await sidecar.untilReadiness(200);
  });

  test('it stays ready while nothing happens', async () => {
    // Longer than a commit of the sidecar's own takes to be made and to come back.
    const until = Date.now() + 7_000;
    while (Date.now() < until) {
      assert.equal(await sidecar.readiness(), 200);
      await delay(100);
    }
  });
});

describe('a standby', () => {
  let todo;
  let standby;
  let client;
  let reader;

  before(async () => {
    todo = await Todo.start();
    standby = await Server.standbyOf(todo.server);
    const uri = uriOf(todo.server, standby);
    await todo.sidecar.stop();
    todo.sidecar = await Sidecar.start(todo.server, { config: configuration(uri) });
    reader = await Sidecar.start(todo.server, {
      config: configuration(uri), flags: ['--read-database-uri', uriOf(standby)],
    });
    client = await todo.open('anna');
  });
  after(async () => {
    await todo?.stop();
    await reader?.stop();
    await standby?.stop();
  });

  test('clients read from it, and write to the primary', async () => {
    const anna = await todo.open('anna', { sidecar: reader });
    await reader.says(/following standby/);
    await todo.inSync(anna);
    await anna.db.execute(`INSERT INTO todos (id, list_id, description, completed)
                           VALUES (uuid(), ?, 'written', 0)`, [groceries]);
    await anna.uploaded();
    await insert(todo.server, 'seen on the standby');
    await Promise.all([anna, client].map((each) => todo.inSync(each)));
    await reader.untilReadiness(200);
    assert.equal(await standby.workerPid(), undefined);
  });

  test('the primary dies, the standby takes over: no client is left behind', async () => {
    const before = todo.sidecar.output.length;
    await standby.caughtUpWith(todo.server);
    await todo.server.stop();
    await standby.promote();
    todo.server = standby;
    await insert(standby, 'after the failover');
    await Promise.all(todo.clients.map((each) => todo.inSync(each, 30_000)));
    await reader.says(/following primary/);
    await Promise.all([todo.sidecar, reader].map((each) => each.untilReadiness(200)));
    const cut = todo.sidecar.output.slice(before).filter((line) => /stream ended/.test(line));
    assert.deepEqual(cut, []);
    standby = undefined;
  });
});
