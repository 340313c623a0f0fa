// The admin API with its bearer tokens, and the settings of service.yaml that it depends on.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { example } from './lib/paths.js';
import { configuration, Sidecar } from './lib/sidecar.js';
import { Todo } from './lib/todo.js';

let todo;
let sidecar;
let yaml;

before(async () => {
  todo = await Todo.start();
  yaml = await readFile(join(example, 'sync-config.yaml'), 'utf8');
  const config = configuration(todo.server.uri);
  config.replication.connections[0].debug_api = true;
  sidecar = await Sidecar.start(todo.server, {
    config: { ...config, api: { tokens: ['an admin token'] } },
  });
  await sidecar.untilReadiness(200);
});
after(async () => {
  await sidecar?.stop();
  await todo?.stop();
});

async function call(path, body, token = 'an admin token') {
  const response = await fetch(`${sidecar.url}/api/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, ...await response.json() };
}

test('nobody enters without a token of the configuration', async () => {
  for (const path of ['admin/v1/diagnostics', 'admin/v1/execute-sql', 'sync-rules/v1/deploy']) {
    const { status, error } = await call(path, {}, 'another token');
    assert.deepEqual([status, error.code], [401, 'PSYNC_S2101']);
  }
});

test('diagnostics', async () => {
  const { data } = await call('admin/v1/diagnostics', { sync_rules_content: true });
  const rules = data.active_sync_rules;
  assert.equal(rules.content, yaml);
  assert.deepEqual(rules.errors, []);
  const [connection] = rules.connections;
  assert.equal(connection.initial_replication_done, true);
  assert.match(connection.slot_name, /^pg_brigade_\d+$/);
  assert.deepEqual(connection.tables.map(({ name }) => name), ['lists', 'settings', 'todos']);
  assert.deepEqual(connection.tables[0], {
    schema: 'public', name: 'lists', replication_id: ['id'], data_queries: true,
    parameter_queries: true, errors: [],
  });
});

test('the sync config in force', async () => {
  const { data } = await call('sync-rules/v1/current');
  assert.equal(data.current.content, yaml);
  assert.equal(data.next, null);
});

test('the schema of the source', async () => {
  const { data } = await call('admin/v1/schema', {});
  const [{ tables }] = data.connections[0].schemas;
  const todos = tables.find(({ name }) => name === 'todos');
  assert.equal(todos.columns.find(({ name }) => name === 'completed').pg_type, 'bool');
});

test('validate', async () => {
  const bad = yaml.replace('FROM', 'FORM');
  assert.deepEqual((await call('admin/v1/validate', { sync_rules: yaml })).data.errors, []);
  const { data: { errors } } = await call('admin/v1/validate', { sync_rules: bad });
  assert.equal(errors[0].level, 'fatal');
  assert.match(errors[0].message, /^line \d+, column \d+: /);
  assert.equal((await call('sync-rules/v1/validate', { content: yaml })).valid, true);
  assert.equal((await call('sync-rules/v1/validate', { content: bad })).valid, false);
});

test('reprocess compares all tables with what buckets hold', async () => {
  const queued = async () => Number((await todo.server.query(
    `SELECT pg_sequence_last_value('brigade.table_copy_id_seq') AS id`))[0].id);
  const before = await queued();
  const { data } = await call('sync-rules/v1/reprocess', {});
  assert.match(data.slot_name, /^pg_brigade_\d+$/);
  assert.equal(await queued(), before + 3);
  assert.equal((await call('admin/v1/reprocess', {})).data.connections[0].id, 'default');
  assert.equal(await queued(), before + 6);
  const anna = await todo.open('anna', { sidecar });
  await todo.inSync(anna);
});

test('execute-sql', async () => {
  const run = async (sql, args) =>
    (await call('admin/v1/execute-sql', { query: { sql, args } })).data;
  assert.deepEqual(await run('SELECT $1::int + 1 AS n, $2 AS t', [1, 'x']),
    { success: true, results: { columns: ['n', 't'], rows: [[2, 'x']] } });
  assert.match((await run('SELEC 1', [])).error, /syntax error/);
  assert.match((await run('SELECT 1) r; DROP TABLE todos; --', [])).error,
    /syntax error|multiple commands/);
  const plain = await Sidecar.start(todo.server, {
    config: { ...configuration(todo.server.uri), api: { tokens: ['an admin token'] } },
  });
  const response = await fetch(`${plain.url}/api/admin/v1/execute-sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer an admin token' },
    body: JSON.stringify({ query: { sql: 'SELECT 1', args: [] } }),
  });
  assert.equal((await response.json()).data.success, false);
  await plain.stop();
});

test('deploy', async () => {
  const content = `${yaml}\n  more:\n    query: SELECT * FROM settings WHERE id = 'theme'\n`;
  const { data } = await call('sync-rules/v1/deploy', { content });
  assert.ok(data.config > 1);
  const { status, error } = await call('sync-rules/v1/deploy',
    { content: yaml.replace('FROM', 'FORM') });
  assert.equal(status, 422);
  assert.match(error.description, /line \d+/);
});

test('a deploy in progress can be given up', async () => {
  let content = yaml;
  for (; content === yaml; await delay(20)) { // Until what was deployed above is in force.
    ({ data: { current: { content } } } = await call('sync-rules/v1/current'));
  }
  const locker = await todo.server.pool.connect();
  await locker.query('BEGIN; LOCK TABLE settings IN ACCESS EXCLUSIVE MODE');
  await call('sync-rules/v1/deploy', { content: content.replace("'theme'", "'font'") });
  assert.deepEqual((await call('sync-rules/v1/cancel-deploy', {})).data, { cancelled: true });
  assert.deepEqual((await call('sync-rules/v1/cancel-deploy', {})).data, { cancelled: false });
  await locker.query('COMMIT');
  locker.release();
  assert.equal((await call('sync-rules/v1/current')).data.current.content, content);
});
