// The primary is killed amid writes, and its synchronous standby takes over: what was acknowledged
// is there, every client has it, and hardly anything is sent twice.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
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

before(async () => {
  todo = await Todo.start();
  await todo.server.query(`INSERT INTO todos (list_id, description)
    SELECT $1, 'item ' || n FROM generate_series(1, $2::int) n`, [groceries, rows_before]);
  standby = await Server.standbyOf(todo.server);
  await todo.server.query(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
  await todo.server.query('SELECT pg_reload_conf()');
  await todo.sidecar.stop();
  const hosts = [todo.server, standby].map(({ directory }) => directory).join(',');
  todo.sidecar = await Sidecar.start(todo.server, { config: configuration(
    `host=${hosts} user=postgres dbname=postgres target_session_attrs=read-write`) });
});
after(async () => {
  await todo?.stop();
  await old?.stop();
});

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
  old = todo.server;
  todo.server = standby;
  // Written by a device while there is no primary.
  await todo.clients[0].db.execute(
    `INSERT INTO todos (id, list_id, description, completed) VALUES (uuid(), ?, 'meanwhile', 0)`,
    [groceries]);
  await standby.promote();
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
