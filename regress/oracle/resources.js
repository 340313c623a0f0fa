// What processes still hold when nobody wants anything of them any more.
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const settle_ms_max = 15_000;
const memory_kB_max = 100 * 1024;
const descriptors_max = 30; // Those of libraries, logs and pools of connections to Postgres.
const backends_max = 35;

const descriptors = async (pid) => (await readdir(`/proc/${pid}/fd`)).length;

async function memory_kB(pid) {
  return Number(/^RssAnon:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]);
}

async function ofSidecar({ process: { pid } }) {
  return { 'descriptors of a sidecar': [await descriptors(pid), descriptors_max],
    'kB of a sidecar': [await memory_kB(pid), memory_kB_max] };
}

async function ofServer(run) {
  const [counts] = await run.query(`SELECT
    (SELECT count(*)::int FROM pg_replication_slots) AS slots,
    (SELECT count(*)::int FROM pg_ls_tmpdir()) AS files,
    (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS backends,
    (SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_brigade worker') AS worker`);
  return { 'replication slots': [counts.slots, 1], 'temporary files': [counts.files, 0],
    backends: [counts.backends, backends_max],
    'kB of the worker': [await memory_kB(counts.worker), memory_kB_max] };
}

/** Names of what is too much, with how much there is; nothing if all is as it should be. */
async function surplus(run) {
  const all = [await ofServer(run), ...await Promise.all(run.sidecars.map(ofSidecar))];
  return all.flatMap((one) => Object.entries(one)).filter(([, [is, most]]) => is > most)
    .map(([name, [is, most]]) => `${name}: ${is}, at most ${most}`);
}

/** Fails the run if anything was left behind; its clients have gone. */
export async function checkResources(run) {
  let wrong;
  for (const end = Date.now() + settle_ms_max; Date.now() < end; await delay(100)) {
    wrong = await surplus(run).catch((error) => [error.message]);
    if (wrong.length === 0) return;
  }
  run.fail(null, `left behind: ${wrong.join('; ')}`);
}
