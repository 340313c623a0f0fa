// What goes wrong, on purpose. Each is a function of the run and a source of decisions, which ends
// with its fault healed; the weights say how often it comes.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { repository } from '../e2e/lib/paths.js';
import { alterTable, rewriteTable } from './ddl.js';
import { promoteStandby } from './promotion.js';

const execute = promisify(execFile);
const cluster = (...words) => execute(join(repository, 'regress/lib/cluster'), words);
const restart_ms_max = 30_000;
const connections_wanted = 100; // More than the server allows.

const pidsOf = async (run, condition) => (await run.query(
  `SELECT pid FROM pg_stat_activity WHERE ${condition}`)).map(({ pid }) => pid);

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // It ended by itself meanwhile.
  }
}

async function killWorker(run) {
  for (const pid of await pidsOf(run, `backend_type = 'pg_brigade worker'`)) kill(pid);
}

async function killBackend(run, random) {
  const pids = await pidsOf(run, `backend_type = 'client backend'`);
  if (pids.length > 0) kill(random.pick(pids));
}

const terminateWorker = (run) => run.query(`SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity WHERE backend_type = 'pg_brigade worker'`);

const terminateBackends = (run) => run.query(`SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`);

/** Starts it again; the kernel may not have taken away all that a killed one left. */
async function restartServer({ server: { directory } }, mode) {
  for (const deadline = Date.now() + restart_ms_max; ; await delay(100)) {
    try {
      return await cluster('restart', directory, mode);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

const startAgain = (run, mode) => run.exclusively(() => restartServer(run, mode));

const killPostmaster = (run) => run.exclusively(async () => {
  const pid = run.server.postmaster();
  if (pid) kill(pid);
  await restartServer(run, 'immediate');
});

const promote = (run, random) => run.exclusively(() =>
  promoteStandby(run, random, () => restartServer(run, 'immediate')));

/** All connections that the server allows are in use. */
async function exhaustConnections(run, random) {
  const pool = run.server.openPool({ max: connections_wanted });
  const attempts = await Promise.allSettled(
    Array.from({ length: connections_wanted }, () => pool.connect()));
  await delay(random.between(100, 2000));
  for (const { value: connection } of attempts) connection?.release(true);
  await pool.end();
}

const sidecarsAway = new WeakSet();

async function outage(run, random) {
  const sidecar = random.pick(run.sidecars);
  if (sidecarsAway.has(sidecar)) return;
  sidecarsAway.add(sidecar);
  await sidecar.end(random.pick(['SIGKILL', 'SIGTERM']));
  if (random.chance(0.3)) await startAgain(run, 'fast');
  await delay(random.between(0, 1000));
  await sidecar.launch();
  sidecarsAway.delete(sidecar);
}

async function stallDatabase(run, random) {
  const link = random.pick(run.links);
  link.stall();
  await delay(random.between(100, 3000));
  if (random.chance(0.3)) link.cut();
  link.heal();
}

const someClients = (run, random) => random.some(run.clients, random.pick([0.1, 0.5, 1]));

async function cutClients(run, random) {
  for (const client of someClients(run, random)) {
    client.disconnect();
    if (random.chance(0.1)) await delay(10);
  }
}

async function newDevices(run, random) {
  for (const client of random.some(run.clients, 0.2)) client.reset();
}

async function slowClients(run, random) {
  const clients = someClients(run, random);
  for (const client of clients) client.slowDown(random.pick([20, 200, 1000]));
  await delay(random.between(500, 4000));
  for (const client of clients) client.slowDown(0);
}

/** Clients connect again with tokens of another kind, for a while. */
async function otherTokens(run, random, kind) {
  const clients = someClients(run, random);
  for (const client of clients) {
    client.useTokens(kind());
    client.disconnect();
  }
  await delay(random.between(1000, 4000));
  for (const client of clients) client.useTokens();
}

/** Tokens that end while their streams go on. */
const shortTokens = (run, random) =>
  otherTokens(run, random, () => ({ lifetime_s: random.between(1, 3) }));

/** Tokens signed where the clock is wrong, some of which are refused. */
const wrongClocks = (run, random) => otherTokens(run, random, () =>
  ({ ahead_s: random.pick([-7200, -3630, -3600, -30, 30, 7200, 86_400]) }));

/** The sidecars' clocks are wrong: tokens end, or are not valid yet. */
async function clockJump({ machine }, random) {
  machine.setClock(random.pick([-86_400, -3600, -30, 30, 3590, 3700, 86_400]));
  await delay(random.between(500, 4000));
  machine.setClock(0);
}

const answers = ({ pool }) => pool.query('SELECT 1').then(() => true, () => false);

/** For a while files cannot grow, or not always. Postgres gives up if that hits the WAL. */
const fullDisk = (run, random) => run.exclusively(async () => {
  run.machine.fillDisk(random.pick([10, 100]));
  if (random.chance(0.3)) await run.pool.query('SELECT pg_switch_wal()').catch(() => {});
  await delay(random.between(100, 3000));
  run.machine.fillDisk(0);
  while (!await answers(run)) {
    if (!run.server.postmaster()) await restartServer(run, 'immediate');
    await delay(50);
  }
});

const deploy = (run) => run.deploy(run.configs.size);

/** Two deploys at once, or one and another before it is done. */
const deploys = (run) => Promise.all([deploy(run), deploy(run)]);

/** A transaction that stays open: decoding has to wait or keep it. */
async function longTransaction(run, random) {
  const connection = await run.pool.connect();
  try {
    await connection.query('BEGIN; SELECT pg_current_xact_id()');
    await delay(random.between(500, 4000));
    await connection.query('COMMIT');
  } finally {
    connection.release(true);
  }
}

const maintenance = (run, random) =>
  run.query(random.pick(['CHECKPOINT', 'VACUUM', 'VACUUM FULL brigade.bucket_op', 'ANALYZE',
    'SELECT pg_switch_wal()', 'REINDEX TABLE brigade.bucket']));

const compact = (run) => run.query('SELECT brigade.compact()');

/** Compares all tables with what buckets hold, which must change nothing. */
const reconcile = (run) => run.query('SELECT brigade.reconcile()');

/** The slot is lost, and with it what was committed since: only a comparison finds that. */
async function dropSlot(run) {
  for (let tries = 0; tries < 100; tries++) {
    const [{ dropped }] = await run.query(`
      SELECT count(pg_drop_replication_slot(slot_name))::int AS dropped
      FROM pg_replication_slots WHERE slot_name LIKE 'pg_brigade%' AND NOT active`);
    if (dropped > 0) return;
    await terminateWorker(run);
  }
}

export const nemeses = {
  killWorker: [2, killWorker],
  killBackend: [1, killBackend],
  killPostmaster: [1, killPostmaster],
  terminateWorker: [2, terminateWorker],
  terminateBackends: [1, terminateBackends],
  fastRestart: [1, (run) => startAgain(run, 'fast')],
  immediateRestart: [1, (run) => startAgain(run, 'immediate')],
  outage: [2, outage],
  cutDatabase: [3, async (run, random) => random.pick(run.links).cut()],
  stallDatabase: [2, stallDatabase],
  cutClients: [5, cutClients],
  newDevices: [3, newDevices],
  slowClients: [3, slowClients],
  shortTokens: [2, shortTokens],
  wrongClocks: [2, wrongClocks],
  clockJump: [2, clockJump],
  fullDisk: [2, fullDisk],
  deploy: [4, deploy],
  deploys: [1, deploys],
  compact: [3, compact],
  reconcile: [2, reconcile],
  dropSlot: [1, dropSlot],
  longTransaction: [2, longTransaction],
  maintenance: [2, maintenance],
  exhaustConnections: [1, exhaustConnections],
  promote: [1, promote],
  alterTable: [4, alterTable],
  rewriteTable: [2, rewriteTable],
  changeTables: [4, (run, random) => run.notes.change(run, random)],
};
