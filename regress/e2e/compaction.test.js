// Compaction changes how a bucket's history is told, never what a client ends up with: whether it
// is connected, offline, new, or in the middle of a download.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Proxy } from './lib/proxy.js';
import { Todo } from './lib/todo.js';

const groceries = '11111111-0000-4000-8000-000000000001';

let todo;
let proxy;

before(async () => {
  todo = await Todo.start();
  proxy = await Proxy.start(todo.sidecar);
});
after(async () => {
  await todo?.stop();
  await proxy?.stop();
});

// Clients of earlier tests would download what later ones write.
afterEach(() => Promise.all(todo.clients.map((client) => client.db.disconnect())));

/** Rows whose text does not compress well; each has 32 bytes of it a `block`. */
const insert = (count, blocks) => todo.server.query(`
  INSERT INTO todos (list_id, description)
  SELECT $1, 'item ' || n || (SELECT string_agg(md5(random()::text || n || block), '')
                              FROM generate_series(1, $3) block)
  FROM generate_series(1, $2) n`, [groceries, count, blocks]);

/** Changes that leave every kind of operation behind. */
async function churn() {
  await todo.server.query(`UPDATE todos SET completed = NOT completed`);
  await todo.server.query(`DELETE FROM todos WHERE id IN
    (SELECT id FROM todos WHERE description LIKE 'item %' ORDER BY id LIMIT 10)`);
  await todo.server.query(`UPDATE todos SET description = description || '!'
                           WHERE description LIKE '%7%'`);
  await insert(10, 1);
}

async function compact({ defragment = false } = {}) {
  await todo.stored();
  const [{ result }] = await todo.server.query(
    'SELECT brigade.compact(defragment => $1) AS result', [defragment]);
  assert.ok(result.moved + result.deleted > 0, JSON.stringify(result));
}

async function assertKinds(...kinds) {
  const rows = await todo.server.query('SELECT DISTINCT op FROM brigade.operation');
  for (const kind of kinds) assert.ok(rows.some(({ op }) => op === kind), `no ${kind} is left`);
}

/** A client that got a wrong checksum says so, drops the bucket and downloads it anew. */
const assertChecksumsHeld = (client) =>
  assert.deepEqual(client.log.filter((line) => /checksum/i.test(line)), []);

test('connected clients', async () => {
  const clients = [await todo.open('anna'), await todo.open('bert')];
  await insert(100, 1);
  for (let round = 0; round < 5; round++) {
    await churn();
    await compact();
  }
  await assertKinds('C', 'M', 'R', 'P');
  for (const client of clients) {
    await todo.inSync(client);
    assertChecksumsHeld(client);
  }
});

test('connected clients while rows are appended again', async () => {
  const client = await todo.open('anna');
  await todo.inSync(client);
  for (let round = 0; round < 3; round++) {
    await churn();
    await compact({ defragment: true });
  }
  const [{ ratio }] = await todo.server.query(
    `SELECT max(ratio)::float AS ratio FROM brigade.buckets WHERE rows > 20`);
  assert.ok(ratio < 1.1, `${ratio} operations for each row`);
  await todo.inSync(client);
  assertChecksumsHeld(client);
});

test('clients that were offline, since before, between and after compactions', async () => {
  const clients = [];
  for (let round = 0; round < 4; round++) {
    const client = await todo.open('anna');
    await todo.inSync(client);
    await client.db.disconnect();
    clients.push(client);
    await churn();
    if (round > 0) await compact({ defragment: round === 2 });
  }
  for (const client of clients) {
    await client.reconnect();
    await todo.inSync(client);
    assertChecksumsHeld(client);
  }
});

test('a client that starts after a compaction', async () => {
  await churn();
  await compact();
  const client = await todo.open('anna');
  await todo.inSync(client);
  assertChecksumsHeld(client);
});

test('clients in the middle of a download', async () => {
  await insert(4000, 100);
  await todo.stored();
  for (const bytes of [50e3, 3e6]) {
    const stalled = proxy.stallAfter(bytes);
    const client = await todo.open('anna', { sidecar: proxy });
    await stalled;
    await churn();
    await compact({ defragment: true });
    proxy.resume();
    await todo.inSync(client, 60_000);
    assertChecksumsHeld(client);
    await client.db.disconnect();
  }
});

test('a client is not starved by compaction without pause', async () => {
  const client = await todo.open('anna');
  let going = true;
  const steady = (async () => {
    while (going) {
      await todo.server.query(`UPDATE settings SET value = value || '.'`);
      await todo.server.query('SELECT brigade.compact()');
    }
  })();
  const completed = new Set();
  await client.until(async () => {
    for (const { value } of await client.rows('settings')) completed.add(value);
    return completed.size > 10;
  });
  going = false;
  await steady;
  await todo.inSync(client);
  assertChecksumsHeld(client);
});
