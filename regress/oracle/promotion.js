// A primary that dies and its standby that takes over. The standby is moved to where the primary
// was, so everybody finds it there; it has another timeline, and no logical slot.
import { execFile } from 'node:child_process';
import { appendFile, copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { Server } from '../e2e/lib/server.js';
import { isOutage } from './outages.js';

const execute = promisify(execFile);
const synchronous_ms_max = 10_000;

async function setStandbyNames(server, names) {
  await server.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
  await server.query('SELECT pg_reload_conf()');
}

/** Whether commits wait for the standby from now on. */
async function becomesSynchronous(primary) {
  await setStandbyNames(primary, '*');
  for (const deadline = Date.now() + synchronous_ms_max; Date.now() < deadline; await delay(20)) {
    const [row] = await primary.query('SELECT sync_state FROM pg_stat_replication');
    if (row?.sync_state === 'sync') return true;
  }
  return false;
}

async function takeOver(primary, standby) {
  await standby.promote();
  await standby.halt();
  const data = join(primary.directory, 'data');
  const successor = join(standby.directory, 'data');
  // It says where the data is.
  await copyFile(join(data, 'postmaster.opts'), join(successor, 'postmaster.opts'));
  // Its last processes may still be at work there.
  await rm(data, { recursive: true, force: true, maxRetries: 100 });
  await rename(successor, data);
  await appendFile(join(data, 'postgresql.conf'),
    `unix_socket_directories = '${primary.directory}'\n`);
}

/** Commits wait for a new standby; then the primary is killed and the standby takes over. Says
 * whether it came to that: other troubles may be in the way. `startAgain` starts the server. */
export async function promoteStandby(run, random, startAgain) {
  const standby = await Server.standbyOf(run.server).catch(() => null);
  if (!standby) return;
  const primary = new Server(run.server.directory);
  let isOver = false;
  try {
    if (await becomesSynchronous(primary)) {
      await delay(random.between(0, 2000));
      await primary.kill();
      isOver = true;
      await takeOver(primary, standby);
      await startAgain();
    }
  } catch (error) {
    if (isOver || !isOutage(error)) throw error;
  } finally {
    await primary.pool.end();
    if (!isOver) await run.query(`ALTER SYSTEM RESET synchronous_standby_names`);
    if (!isOver) await run.query('SELECT pg_reload_conf()');
    await standby.stop();
  }
}
