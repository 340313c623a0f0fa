// The primary is killed and a standby takes over. What a synchronous one acknowledged is there,
// every client has it, and hardly anything is sent twice; what an asynchronous one never got,
// clients lose.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { transports } from './lib/client.js';
import { RawStream } from './lib/raw_stream.js';
import { Server } from './lib/server.js';
import { configuration, Sidecar } from './lib/sidecar.js';
import { Todo } from './lib/todo.js';

const groceries = '11111111-0000-4000-8000-000000000001';
const rows_before = 10_000;
const writers = 4;

let todo;
let standby;
let old;

beforeEach(async () => {
  todo = await Todo.start();
  await todo.server.query(`INSERT INTO todos (list_id, description)
    SELECT $1, 'item ' || n FROM generate_series(1, $2::int) n`, [groceries, rows_before]);
  standby = await Server.standbyOf(todo.server);
  await todo.sidecar.stop();
  const hosts = [todo.server, standby].map(({ directory }) => directory).join(',');
  todo.sidecar = await Sidecar.start(todo.server, { config: configuration(
    `host=${hosts} user=postgres dbname=postgres target_session_attrs=read-write`) });
});
afterEach(async () => {
  await todo?.stop();
  await (old ?? standby)?.stop();
  old = undefined;
  standby = undefined;
});

async function set(server, setting) {
  await server.query(`ALTER SYSTEM SET ${setting}`);
  await server.query('SELECT pg_reload_conf()');
}

async function takeOver() {
  old = todo.server;
  todo.server = standby;
  await standby.promote();
}

/** Inserts row after row until the server is gone; `acknowledged` are those that Postgres said it
 * has committed. */
async function write(server, name, acknowledged) {
  for (let n = 0; ; n++) {
    const description = `${name} ${n}`;
    try {
      await server.query('INSERT INTO todos (list_id, description) VALUES ($1, $2)',
        [groceries, description]);
    } catch {
      return;
    }
    acknowledged.push(description);
  }
}

async function standbyIsSynchronous() {
  await set(todo.server, `synchronous_standby_names = '*'`);
  for (const deadline = Date.now() + 15_000; ; await delay(20)) {
    const [row] = await todo.server.query('SELECT sync_state FROM pg_stat_replication');
    if (row?.sync_state === 'sync') return;
    assert.ok(Date.now() < deadline, 'the standby does not become synchronous');
  }
}

const countRows = async (server) =>
  (await server.query('SELECT count(*)::int AS count FROM todos'))[0].count;

test('kill -9 of the primary', async (t) => {
  await standbyIsSynchronous();
  // Uploads go to whichever server is the primary.
  const server = { get pool() { return todo.server.pool; } };
  for (const transport of Object.keys(transports)) {
    await todo.open('anna', { transport, server });
  }
  await todo.open('bert', { server });
  await Promise.all(todo.clients.map((client) => todo.inSync(client)));
  const stream = await RawStream.open(todo.sidecar, 'anna', { include_defaults: true,
    subscriptions: [] });
  t.after(() => stream.close());
  while (stream.completed === 0) await delay(10);
  const downloaded = stream.operations;
  const rows_then = await countRows(todo.server);
  assert.ok(downloaded >= rows_before);

  const acknowledged = [];
  const writing = Array.from({ length: writers },
    (_, n) => write(todo.server, `writer ${n}`, acknowledged));
  while (acknowledged.length < 400) await delay(10);
  await todo.server.kill();
  await Promise.all(writing);
  // Written by a device while there is no primary.
  await todo.clients[0].db.execute(
    `INSERT INTO todos (id, list_id, description, completed) VALUES (uuid(), ?, 'meanwhile', 0)`,
    [groceries]);
  await takeOver();
  await write(standby, 'after', { push: (text) => {
    if (acknowledged.push(text) % 50 === 0) throw new Error('enough');
  } }).catch(() => {});
  await todo.clients[0].uploaded(30_000);

  const stored = new Set((await standby.query('SELECT description FROM todos'))
    .map(({ description }) => description));
  assert.deepEqual(acknowledged.filter((description) => !stored.has(description)), [],
    'no acknowledged write is lost');
  await todo.stored();
  await Promise.all(todo.clients.map((client) => todo.inSync(client, 60_000)));
  for (const client of todo.clients) {
    assert.deepEqual(client.log.filter((line) => /checksum/i.test(line)), []);
  }
  // The last operation comes after all that were sent again.
  await standby.query(`INSERT INTO todos (list_id, description) VALUES ($1, 'last')`, [groceries]);
  while (!stream.newest.includes('"last"')) await delay(10);
  const rows_now = await countRows(standby);
  const again = stream.operations - downloaded - (rows_now - rows_then);
  t.diagnostic(`${again} of ${downloaded} operations were sent again`);
  assert.ok(again >= 0 && again < downloaded / 100, `${again} of ${downloaded} operations again`);
  assert.equal(stream.ended, false, 'and nobody had to connect again');
});

test('a standby takes over that lacks what clients have seen', async () => {
  const server = { get pool() { return todo.server.pool; } };
  for (const transport of Object.keys(transports)) {
    await todo.open('anna', { transport, server });
  }
  const offline = await todo.open('anna', { server });
  const everyone = () => Promise.all(todo.clients.map((client) => todo.inSync(client, 60_000)));
  await everyone();
  await standby.caughtUpWith(todo.server);
  await set(standby, `primary_conninfo = ''`);
  while ((await todo.server.query('SELECT FROM pg_stat_replication')).length > 0) await delay(10);

  await todo.server.query(`INSERT INTO todos (list_id, description) VALUES ($1, 'lost')`,
    [groceries]);
  await todo.server.query(`UPDATE todos SET description = 'lost ' || description
    WHERE description LIKE 'item 1%'`);
  await todo.server.query(`DELETE FROM todos WHERE description LIKE 'item 2%'`);
  await everyone();
  await offline.db.disconnect();
  await todo.server.kill();
  await takeOver();

  await standby.query(`INSERT INTO todos (list_id, description) VALUES ($1, 'instead')`,
    [groceries]);
  await standby.query(`UPDATE todos SET description = 'other ' || description
    WHERE description LIKE 'item 11%'`);
  await offline.reconnect();
  await everyone();
});
