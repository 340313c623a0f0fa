// Whatever is killed, clients end in the right state without help: no operation lost, none twice.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { transports } from './lib/client.js';
import { Todo } from './lib/todo.js';

const groceries = '11111111-0000-4000-8000-000000000001';
const rounds = 3;

let todo;
const clients = [];
let inserted = 0;

before(async () => {
  todo = await Todo.start();
  for (const transport of Object.keys(transports)) {
    clients.push(await todo.open('anna', { transport }));
  }
  clients.push(await todo.open('bert'));
  await Promise.all(clients.map((client) => todo.inSync(client)));
});
after(() => todo?.stop());

const insert = () => todo.server.query(
  `INSERT INTO todos (list_id, description) VALUES ($1, $2)`, [groceries, `row ${++inserted}`]);

/** Many small transactions, with `accident` amid them; then the clients must be right. */
async function survive(accident) {
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < 20; n++) await insert();
    await accident();
    for (let n = 0; n < 5; n++) await insert();
    await Promise.all(clients.map((client) => todo.inSync(client)));
  }
  await assertEachRowStoredOnce();
}

async function assertEachRowStoredOnce() {
  const [stored] = await todo.server.query(`
    SELECT count(*)::int AS operations, count(DISTINCT object_id)::int AS rows
    FROM brigade.operation
    WHERE object_type = 'todos' AND data::jsonb ->> 'description' LIKE 'row %'`);
  assert.deepEqual(stored, { operations: inserted, rows: inserted });
}

test('kill -9 of the worker', () => survive(() => todo.server.killWorker()));
test('immediate restart of Postgres', () => survive(() => todo.server.restart('immediate')));
test('fast restart of Postgres', () => survive(() => todo.server.restart('fast')));
test('restart of the sidecar', () => survive(() => todo.sidecar.restart('SIGTERM')));
test('kill -9 of the sidecar', () => survive(() => todo.sidecar.restart('SIGKILL')));

test('Postgres restarts while the sidecar is away', () => survive(async () => {
  await todo.sidecar.end('SIGTERM');
  await todo.server.restart('immediate');
  await insert();
  await todo.sidecar.launch();
}));
