// What a client sees of changes in Postgres: everything its user may see, nothing else, soon.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { transports } from './lib/client.js';
import { Todo } from './lib/todo.js';
import { signToken } from './lib/token.js';

const groceries = '11111111-0000-4000-8000-000000000001';
const latency_ms_max = 1000;

for (const transport of Object.keys(transports)) describe(transport, () => {
  let todo;
  let anna;
  let bert;

  before(async () => {
    todo = await Todo.start();
    anna = await open('anna');
    bert = await open('bert');
  });
  after(() => todo?.stop());

  const open = (user, options) => todo.open(user, { transport, ...options });

  /** Runs a statement; both clients must be right within a second after its commit. */
  async function change(text, parameters) {
    const rows = await todo.server.query(text, parameters);
    await Promise.all([anna, bert].map((client) => todo.inSync(client, latency_ms_max)));
    return rows;
  }

  const find = async (client, table, id) =>
    (await client.rows(table)).find((row) => row.id === id);

  test('the first sync brings rows from before the deploy', async () => {
    await Promise.all([anna, bert].map((client) => todo.inSync(client)));
    await anna.db.waitForFirstSync();
    assert.deepEqual((await anna.rows('lists')).map(({ name }) => name), ['Groceries', 'House']);
    assert.deepEqual((await bert.rows('lists')).map(({ name }) => name), ['Travel']);
    assert.equal((await anna.rows('settings')).length, 2);
    const started = todo.sidecar.output.filter((line) => line.includes('stream started'));
    assert.ok(started.length >= 2);
    const expected = new RegExp(`transport=${transport} `);
    started.forEach((line) => assert.match(line, expected));
  });

  test('INSERT', async () => {
    const [{ id }] = await change(
      `INSERT INTO todos (list_id, description) VALUES ($1, 'figs') RETURNING id`, [groceries]);
    assert.equal((await find(anna, 'todos', id)).description, 'figs');
    assert.equal(await find(bert, 'todos', id), undefined);
  });

  test('a list and its to-dos in one transaction', () => change(`
    BEGIN;
    INSERT INTO lists (id, owner_id, name)
    VALUES ('22222222-0000-4000-8000-000000000002', 'bert', 'Films');
    INSERT INTO todos (list_id, description)
    SELECT '22222222-0000-4000-8000-000000000002', 'film ' || n FROM generate_series(1, 50) n;
    COMMIT`));

  test('UPDATE', async () => {
    await change(`UPDATE todos SET completed = true, description = 'rye bread'
                  WHERE description = 'bread'`);
    assert.equal((await anna.rows('todos')).filter((row) => row.completed === 1).length, 1);
  });

  test('UPDATE of a row everyone sees', async () => {
    await change(`UPDATE settings SET value = 'dark' WHERE id = 'theme'`);
    assert.equal((await find(anna, 'settings', 'theme')).value, 'dark');
    assert.equal((await find(bert, 'settings', 'theme')).value, 'dark');
  });

  test('UPDATE that changes no value', () => change(`UPDATE todos SET completed = completed`));

  test('UPDATE of a primary key', () => change(`
    UPDATE settings SET id = 'message' WHERE id = 'motd'`));

  test('UPDATE that moves a row to another user', async () => {
    const [{ id }] = await change(`
      UPDATE todos SET list_id = '22222222-0000-4000-8000-000000000001'
      WHERE description = 'olives' RETURNING id`);
    assert.equal(await find(anna, 'todos', id), undefined);
    assert.equal((await find(bert, 'todos', id)).description, 'olives');
  });

  test('a list changes its owner, and its to-dos go with it', async () => {
    const bertBefore = (await bert.rows('todos')).length;
    const moved = (await anna.rows('todos')).filter((row) => row.list_id === groceries).length;
    assert.ok(moved > 0);
    await change(`UPDATE lists SET owner_id = 'bert' WHERE id = $1`, [groceries]);
    assert.equal((await bert.rows('todos')).length, bertBefore + moved);
    assert.equal(await find(anna, 'lists', groceries), undefined);
    await change(`UPDATE lists SET owner_id = 'anna' WHERE id = $1`, [groceries]);
    assert.equal((await bert.rows('todos')).length, bertBefore);
  });

  test('DELETE, also of a list with all its to-dos', async () => {
    await change(`DELETE FROM todos WHERE description = 'figs'`);
    await change(`DELETE FROM lists WHERE owner_id = 'anna' AND name = 'House'`);
    assert.ok((await anna.rows('todos')).every((row) => row.list_id === groceries));
  });

  test('a transaction that is rolled back is never seen', async () => {
    await change(`BEGIN; DELETE FROM todos; DELETE FROM settings; ROLLBACK`);
    // A later change has arrived, so the rolled back one would have, too.
    await change(`INSERT INTO settings VALUES ('after', 'rollback')`);
    assert.ok((await anna.rows('todos')).length > 0);
  });

  test('TRUNCATE', () => change(`TRUNCATE settings`));

  test('a user without rows syncs, and sees the first one', async () => {
    const carl = await open('carl');
    await carl.db.waitForFirstSync();
    assert.deepEqual(await carl.rows('lists'), []);
    await todo.server.query(`INSERT INTO lists (owner_id, name) VALUES ('carl', 'First')`);
    await todo.inSync(carl, latency_ms_max);
  });

  test('a client that was away catches up', async () => {
    const dora = await open('dora');
    await dora.db.waitForFirstSync();
    await dora.db.disconnect();
    await todo.server.query(`
      WITH list AS (INSERT INTO lists (owner_id, name) VALUES ('dora', 'Long') RETURNING id)
      SELECT set_config('brigade_test.list', id::text, false) FROM list;
      INSERT INTO todos (list_id, description)
      SELECT current_setting('brigade_test.list')::uuid, n::text FROM generate_series(1, 5000) n;
      DELETE FROM todos WHERE description LIKE '%77'`);
    await dora.reconnect();
    await todo.inSync(dora);
  });

  test('a token signed with another key gets nothing', async () => {
    const token = (user) => signToken(user, { key: 'not the key' });
    const thief = await open('anna', { token });
    await thief.until(() => /401|PSYNC_S2101/.test(thief.db.currentStatus.downloadError));
    assert.deepEqual(await thief.rows('lists'), []);
  });

  test('a deploy with a mistake says where, and changes nothing', async () => {
    await assert.rejects(
      todo.deploy('config:\n  edition: 3\nstreams:\n  lists:\n    query: SELECT * FORM lists\n'),
      /line 5/);
    await change(`INSERT INTO todos (list_id, description) VALUES ($1, 'still here')`, [groceries]);
  });
});
