// However much a client has to download, the sidecar holds a bounded part of it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { RawStream } from './lib/raw_stream.js';
import { Server } from './lib/server.js';
import { Sidecar } from './lib/sidecar.js';

const row_count = 150;
const row_bytes = 1_000_000;
// A batch is a row or two. It is there as Postgres sent it, encoded, and compressed; 24 MiB of what
// other clients may want are kept.
const resident_mib_max = 80;

let server;
let sidecar;

before(async () => {
  server = await Server.start();
  await server.query(`
    CREATE EXTENSION pg_brigade;
    CREATE TABLE documents (id integer PRIMARY KEY, owner text NOT NULL, body text NOT NULL);
    INSERT INTO documents SELECT i, 'one bucket', repeat('x', ${row_bytes})
      FROM generate_series(1, ${row_count}) i;
    INSERT INTO documents SELECT 1000 + i, 'bucket ' || i, repeat('x', ${row_bytes})
      FROM generate_series(1, ${row_count}) i;
    SELECT brigade.deploy('{config: {edition: 3}, streams: {
      own: {auto_subscribe: true,
        query: "SELECT * FROM documents WHERE owner = auth.user_id()"},
      one: {query: "SELECT * FROM documents WHERE owner = subscription.parameter(''owner'')"}}}')`);
  sidecar = await Sidecar.start(server);
  await sidecar.untilReadiness(200, 60_000);
});
after(async () => {
  await sidecar?.stop();
  await server?.stop();
});

const peakMib = async () => {
  const status = await readFile(`/proc/${sidecar.process.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024;
};

const download = async (user, streams) => {
  const stream = await RawStream.open(sidecar, user, streams);
  await stream.firstComplete;
  assert.equal(stream.completed, 1, `${stream.error}`);
  assert.equal(stream.operations, row_count);
  await stream.close();
  const peak_mib = await peakMib();
  assert.ok(peak_mib < resident_mib_max, `${peak_mib} MiB`);
};

test('large rows of one bucket', () => download('one bucket', { include_defaults: true }));

test('large rows of many buckets, which are read together', () => {
  const subscriptions = Array.from({ length: row_count }, (_, i) =>
    ({ stream: 'one', parameters: { owner: `bucket ${i + 1}` }, override_priority: null }));
  return download('nobody', { include_defaults: false, subscriptions });
});
