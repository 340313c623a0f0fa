// How long compaction takes beside a steady writer, what it leaves, and what storage grows to.
//
//   make stage sidecar
//   NODE --disable-warning=ExperimentalWarning bench/compaction.js [ROWS] [BUCKETS] [UPDATES]
//
// NODE is regress/e2e/node_modules/node-linux-*/bin/node; by default 100,000 rows in 1,000 buckets
// are updated 10 times each. Prints one line for each measurement. BUCKET_OP='fillfactor = 90'
// gives brigade.bucket_op other storage parameters, to compare.
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { Server } from '../regress/e2e/lib/server.js';
import { Sidecar } from '../regress/e2e/lib/sidecar.js';
import { signToken } from '../regress/e2e/lib/token.js';

const [rows = 100_000, buckets = 1_000, updates = 10] = process.argv.slice(2).map(Number);
const writes_per_s = 2_000;
const noted_lock_wait_ms = 2;
const churn_rounds = 24;

const config = `
config:
  edition: 3
streams:
  items:
    auto_subscribe: true
    query: SELECT * FROM items WHERE owner = auth.user_id()
  noise:
    query: SELECT * FROM noise WHERE owner = subscription.parameter('owner')
`;

function report(name, value, unit) {
  const shown = typeof value === 'number' ? +value.toFixed(2) : value;
  console.log(`${name.padEnd(52)} ${shown} ${unit}`);
}

async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function start() {
  const server = await Server.start('pg_brigade.compaction = off', 'pg_brigade.compaction_rate = 0',
    'pg_brigade.compaction_delay = 0', 'pg_brigade.defragmentation_share = 1',
    'pg_brigade.defragmentation_ratio = 1.1',
    'shared_buffers = 512MB', 'autovacuum_naptime = 5s', 'max_wal_size = 8GB',
    'log_lock_waits = on', `deadlock_timeout = ${noted_lock_wait_ms}ms`);
  await server.query(`
    CREATE TABLE items (id integer PRIMARY KEY, owner text, description text);
    CREATE TABLE noise (id integer PRIMARY KEY, owner text, value integer);
    INSERT INTO noise SELECT n, 'owner ' || n % 100, 0 FROM generate_series(1, 20000) n;
    CREATE EXTENSION pg_brigade`);
  await server.query(`INSERT INTO items SELECT n, 'owner ' || n % $2, repeat(md5(n::text), 6)
                      FROM generate_series(1, $1) n`, [rows, buckets]);
  if (process.env.BUCKET_OP) {
    await server.query(`ALTER TABLE brigade.bucket_op SET (${process.env.BUCKET_OP})`);
  }
  await server.query('SELECT brigade.deploy($1)', [config]);
  return server;
}

/** Seconds from now until what is committed now is stored. */
const storage_lag = (server) => seconds(async () => {
  const [{ id }] = await server.query(`SELECT brigade.create_write_checkpoint('bench', '') AS id`);
  for (let stored = 0; stored < id; await delay(1)) {
    [{ stored }] = await server.query(`
      SELECT coalesce(max(request_id), 0)::int AS stored
      FROM brigade.acknowledged_write_checkpoint WHERE user_id = 'bench'`);
  }
});

/** Downloads one user's buckets from the start, as a new client does; returns operations. */
async function firstSync(sidecar, user) {
  const response = await fetch(`${sidecar.url}/sync/stream`, {
    method: 'POST',
    headers: { authorization: `Token ${signToken(user)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ buckets: [], raw_data: true, include_checksum: true }),
  });
  let text = '';
  for await (const bytes of response.body) {
    text += Buffer.from(bytes).toString();
    if (text.includes('"checkpoint_complete"')) break;
  }
  return text.split('"op_id":').length - 1;
}

async function firstSyncs(server) {
  const sidecar = await Sidecar.start(server);
  let operations = 0;
  for (let n = 0; n < 50; n++) await firstSync(sidecar, `owner ${n}`); // Warms caches up.
  const time = await seconds(async () => {
    for (let n = 50; n < 350; n++) operations += await firstSync(sidecar, `owner ${n % buckets}`);
  });
  await sidecar.end('SIGTERM');
  return { ms: (time / 300) * 1000, operations: operations / 300 };
}

let fresh_bytes;

/** Operations and bytes in files for each row, and these bytes against those of the first call. */
async function sizes(server) {
  const [size] = await server.query(`
    SELECT sum(operations)::float / $1 AS ratio,
           pg_total_relation_size('brigade.bucket_op')::float / ($1 + 20000) AS bytes
    FROM brigade.buckets WHERE bucket LIKE '%items%'`, [rows]);
  fresh_bytes ??= size.bytes;
  return { ...size, factor: size.bytes / fresh_bytes };
}

/** How long the process `pid` has been ready to run and without a processor so far. */
async function unscheduled_ms(pid) {
  const [, waited_ns] = (await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ');
  return Number(waited_ns) / 1e6;
}

/** How long each of the worker's waits for a lock took, if Postgres noted it in its log. */
async function lockWaits(server, worker, from) {
  const log = (await server.log()).slice(from);
  const waits = log.matchAll(new RegExp(`process ${worker} acquired .* after ([\\d.]+) ms`, 'g'));
  return [...waits].map(([, ms]) => Number(ms));
}

/** Writes at a fixed rate until stopped; collects how far storage is behind, and what the worker
 * waited for. */
async function writeSteadily(server) {
  const probes = [];
  const worker = await server.runningWorker();
  const log_start = (await server.log()).length;
  let going = true;
  let written = 0;
  const started = performance.now();
  const elapsed_s = () => (performance.now() - started) / 1000;
  const writer = (async () => {
    while (going) {
      await server.query(`UPDATE noise SET value = value + 1 WHERE id BETWEEN $1 AND $1 + 19`,
        [1 + (written % 20000)]);
      written += 20;
      await delay(Math.max(0, (written / writes_per_s - elapsed_s()) * 1000));
    }
  })();
  const prober = (async () => {
    while (going) {
      const before_ms = await unscheduled_ms(worker);
      const lag_ms = await storage_lag(server) * 1000;
      probes.push({ lag_ms, unscheduled_ms: await unscheduled_ms(worker) - before_ms });
      await delay(20);
    }
  })();
  return async () => {
    going = false;
    await Promise.all([writer, prober]);
    probes.sort((a, b) => a.lag_ms - b.lag_ms);
    return { rate: written / elapsed_s(), probes,
      lock_waits: await lockWaits(server, worker, log_start) };
  };
}

function reportWriter(name, { rate, probes, lock_waits }) {
  const at = (share) => probes[Math.floor((probes.length - 1) * share)].lag_ms;
  report(`${name}: writes`, rate, '/s');
  report(`${name}: storage lag p50, p99, max`,
    [at(0.5), at(0.99), at(1)].map((ms) => ms.toFixed(1)).join(', '), 'ms');
  report(`${name}: of the five longest, worker without a processor`, probes.slice(-5)
    .map(({ lag_ms, unscheduled_ms: ms }) => `${ms.toFixed(1)} of ${lag_ms.toFixed(1)}`)
    .join(', '), 'ms');
  report(`${name}: worker's waits for locks over ${noted_lock_wait_ms} ms: count, longest`,
    `${lock_waits.length}, ${Math.max(0, ...lock_waits)}`, 'ms');
}

async function reportState(server, name) {
  const { ratio, bytes, factor } = await sizes(server);
  const sync = await firstSyncs(server);
  report(`${name}: operations for each row`, ratio, '');
  report(`${name}: files for each row`, bytes, `bytes, ${factor.toFixed(2)} times the first`);
  report(`${name}: first sync of ${sync.operations.toFixed(0)} operations`, sync.ms, 'ms');
}

async function update(server, share) {
  await server.query(`UPDATE items SET description = repeat(md5(random()::text), 6)
                      WHERE random() < $1`, [share]);
}

/** Switches compaction on, and returns when it is through with the items. */
async function compactInBackground(server) {
  await server.query('SELECT brigade.worker_pid(), brigade.validate($1)', [config]);
  await server.query('ALTER SYSTEM SET pg_brigade.compaction = on');
  await server.query('SELECT pg_reload_conf()');
  for (let waiting = 1; waiting > 0; await delay(100)) {
    [{ waiting }] = await server.query(`SELECT count(next_check)::int AS waiting
      FROM brigade.buckets WHERE bucket LIKE '%items%'`);
  }
}

/** The day begins with all of its share of rows that may be appended again. */
async function simulateDay(server) {
  await server.query(
    'UPDATE brigade.bucket_compaction SET reappended = 0, reappended_since = NULL');
  for (let hour = 1; hour <= churn_rounds; hour++) {
    await update(server, 0.25);
    await storage_lag(server);
    await delay(2000);
    if (hour % 6 !== 0) continue;
    const { ratio, bytes, factor } = await sizes(server);
    report(`day's churn, after ${hour / 4} updates of each row: ratio, bytes`,
      `${ratio.toFixed(2)}, ${bytes.toFixed(0)}, ${factor.toFixed(2)} times the first`, '');
  }
}

/** Storage tables with dead rows, or that were updated in place or not. */
async function reportTables(server) {
  const tables = await server.query(`
    SELECT relname AS name, n_dead_tup::int AS dead, n_live_tup::int AS live,
           round(100.0 * n_tup_hot_upd / nullif(n_tup_upd, 0)) AS hot,
           pg_total_relation_size(relid)::int AS bytes, autovacuum_count::int AS vacuums
    FROM pg_stat_user_tables WHERE schemaname = 'brigade' AND n_tup_upd + n_tup_del > 100
    ORDER BY relname`);
  for (const { name, dead, live, hot, bytes, vacuums } of tables) {
    report(`${name}: dead, live, % HOT, KiB, vacuums`,
      [dead, live, hot ?? '-', Math.round(bytes / 1024), vacuums].join(', '), '');
  }
}

const server = await start();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => server.stop().finally(() => process.exit(1)));
}
try {
  for (let active = false; !active; await delay(50)) {
    [{ active }] = await server.query(
      `SELECT EXISTS (SELECT FROM brigade.sync_config WHERE state = 'active') AS active`);
  }
  await server.query('VACUUM ANALYZE');
  await reportState(server, 'never updated');
  // Half of the rows at a time, at random, so that old and new operations are mixed.
  for (let round = 0; round < updates * 2; round++) await update(server, 0.5);
  report('storing the updates', await seconds(() => storage_lag(server)), 's');
  await reportState(server, 'updated');
  let stop = await writeSteadily(server);
  await delay(10_000);
  reportWriter('without compaction', await stop());
  stop = await writeSteadily(server);
  const time = await seconds(() => compactInBackground(server));
  reportWriter('beside compaction', await stop());
  report('compaction with defragmentation', time, 's');
  await server.query('VACUUM brigade.bucket_op');
  await reportState(server, 'compacted');
  await simulateDay(server);
  await reportTables(server);
} finally {
  await server.stop();
}
