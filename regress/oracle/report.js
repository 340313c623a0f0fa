import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { repository } from '../e2e/lib/paths.js';

const storage = ['sync_config', 'definition', 'bucket', 'bucket_op', 'lookup', 'row_membership',
  'checkpoint', 'commit_log', 'row_error'];

/** Writes what explains a failure to build/oracle/SEED: what the client was sent, what the storage
 * holds, what the processes said. */
export async function writeReport(run, client) {
  const folder = join(repository, 'build/oracle', run.seed.seed);
  const write = (name, text) => writeFile(join(folder, name), text);
  await mkdir(folder, { recursive: true });
  await write('failure', `${run.failure.message}\n`);
  if (client) {
    await write('client', [client.identity, ...client.documents]
      .map((one) => JSON.stringify(one)).join('\n'));
  }
  await write('configs', [...run.configs.values()].map(({ yaml }) => yaml).join('\n\n'));
  await write('sidecars', run.sidecars.map(({ output }) => output.join('\n')).join('\n\n'));
  await write('server', await run.server.log());
  for (const table of storage) {
    const rows = await run.query(`SELECT to_jsonb(t)::text AS row FROM brigade.${table} t
      ORDER BY ${table === 'bucket_op' ? 't.bucket, t.op_id' : 't'} LIMIT 200000`);
    await write(table, rows.map(({ row }) => row).join('\n'));
  }
}
