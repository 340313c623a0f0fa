// How much memory the worker and compaction take for one bucket of many rows.
//
//   make stage
//   NODE --disable-warning=ExperimentalWarning bench/compaction_memory.js [ROWS]
//
// NODE is regress/e2e/node_modules/node-linux-*/bin/node; by default 10,000,000 rows, of which
// every fifth is updated. Prints how long each step took, and the greatest memory that each process
// had of its own meanwhile (RssAnon, looked at every 50 ms).
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { Server } from '../regress/e2e/lib/server.js';

const rows = Number(process.argv[2] ?? 10_000_000);

const config = `
config: {edition: 3}
streams:
  items: {auto_subscribe: true, query: "SELECT id, value FROM items"}
`;

const server = await Server.start('pg_brigade.compaction_delay = 0', 'shared_buffers = 512MB',
  'pg_brigade.compaction_rate = 0', 'pg_brigade.compaction = off', 'max_wal_size = 8GB');
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => server.stop().finally(() => process.exit(1)));
}

const peaks_mib = new Map();
let watching = true;

/** Notes what each of our processes takes. */
async function watch() {
  for (; watching; await delay(50)) {
    const processes = await server.query(`SELECT pid, backend_type AS name FROM pg_stat_activity
                                          WHERE backend_type LIKE 'pg_brigade%'`);
    for (const { pid, name } of processes) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      const mib = Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
      peaks_mib.set(name, Math.max(mib, peaks_mib.get(name) ?? 0));
    }
  }
}

async function step(name, work) {
  peaks_mib.clear();
  const start = performance.now();
  const result = await work();
  const time_s = (performance.now() - start) / 1000;
  const memory = [...peaks_mib].map(([process, mib]) => `${process} ${mib.toFixed(0)} MiB`);
  console.log(`${name}: ${time_s.toFixed(0)} s; ${memory.join(', ')}; ${result ?? ''}`);
}

async function until(condition) {
  for (let met = false; !met; await delay(100)) [{ met }] = await server.query(condition);
}

let watcher;
try {
  await server.query(`
    CREATE TABLE items (id integer PRIMARY KEY, value integer);
    INSERT INTO items SELECT n, 0 FROM generate_series(1, ${rows}) n;
    CREATE EXTENSION pg_brigade`);
  watcher = watch();
  await step('first copy', async () => {
    await server.query('SELECT brigade.deploy($1)', [config]);
    await until(`SELECT EXISTS (SELECT FROM brigade.sync_config WHERE state = 'active') AS met`);
  });
  await step('update of every fifth row, in one transaction', async () => {
    await server.query('UPDATE items SET value = 1 WHERE id % 5 = 0');
    const [{ id }] = await server.query(`SELECT brigade.create_write_checkpoint('b', '') AS id`);
    await until(`SELECT EXISTS (SELECT FROM brigade.acknowledged_write_checkpoint
                 WHERE user_id = 'b' AND request_id >= ${id}) AS met`);
  });
  await step('compaction', async () => {
    const [{ result }] = await server.query('SELECT brigade.compact() AS result');
    return JSON.stringify(result);
  });
} finally {
  watching = false;
  await watcher;
  await server.stop();
}
