// Every shape of query that sync configs are made of, in the real client, against what SQL on
// Postgres says; after the first sync, and after random changes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { School } from './lib/school.js';
import { Changes } from './shapes/changes.js';

const seed = 4;
const transactions = 20;

const users = [
  { user: 'anna', claims: { school: 1, state: 'open', role: 'head', courses: ['c0', 'c2'],
    tenant: 'north', rights: { schools: [1, 3] } },
  parameters: { state: 'open' }, opened: { courses: ['c0', 'c1'], lessons: ['l0', 'l1', 'l2'] } },
  { user: 'bert', claims: { school: 2, state: 'full', role: 'pupil', courses: [], tenant: 'south' },
    parameters: { state: 'full' }, opened: { courses: ['c1', 'c2', 'c3'], lessons: ['l3'] } },
  { user: 'carl', claims: { school: 1, state: 'past', courses: ['c1', 'c1', 'none'],
    rights: { schools: [] } }, parameters: {}, opened: { courses: [], lessons: ['l4', 'l5'] } },
  { user: 'nobody', claims: {}, parameters: {}, opened: { courses: ['c4'], lessons: [] } },
];

let school;
let clients;
const changes = new Changes(seed);
const seen = new Map(); // For each table, the most rows a client held.

async function allInSync() {
  for (const client of clients) {
    for (const [table, rows] of Object.entries(await school.inSync(client))) {
      seen.set(table, Math.max(seen.get(table) ?? 0, rows.length));
    }
  }
}

before(async () => {
  school = await School.start();
  await school.commit(Array.from({ length: 250 }, () => changes.statement()));
  await school.deploy();
  clients = await Promise.all(users.map((user) => school.open(user)));
});
after(() => school?.stop());

test('the first sync', allInSync);

test('random transactions', async () => {
  for (let i = 0; i < transactions; i++) {
    await school.commit(Array.from({ length: 1 + changes.number(8) }, () => changes.statement()));
    await allInSync();
  }
});

test('a client that was away catches up', async () => {
  const [client] = clients;
  await client.db.disconnect();
  await school.commit(Array.from({ length: 200 }, () => changes.statement()));
  await client.reconnect();
  await allInSync();
});

test('every shape had rows to show', () => {
  assert.deepEqual([...seen].filter(([, rows]) => rows === 0), []);
});
