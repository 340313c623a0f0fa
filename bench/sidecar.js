// The sidecar's benchmark: Postgres with the extension, the real sidecar and the load generator,
// all on this machine. `node bench/sidecar.js [scenario…]`; scenarios are the names below.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { repository } from '../regress/e2e/lib/paths.js';
import { Server } from '../regress/e2e/lib/server.js';
import { configuration, Sidecar } from '../regress/e2e/lib/sidecar.js';
import { secret } from '../regress/e2e/lib/token.js';

const load = join(repository, 'build/cmake/sidecar/sidecar_load');
const downloaded_rows = 500_000;
// Of these buckets each; the first request of a user finds nothing in the sidecar's memory.
const thousand_users = 24;
const ten_thousand_users = 6;

const yaml = `
config: {edition: 3}
streams:
  items: {auto_subscribe: true, query: SELECT * FROM items WHERE owner = auth.user_id()}
  grouped:
    auto_subscribe: true
    query: SELECT * FROM grouped WHERE "group" IN
           (SELECT "group" FROM membership WHERE member = auth.user_id())
`;

const schema = `
CREATE EXTENSION pg_brigade;
CREATE TABLE items (id text PRIMARY KEY, owner text NOT NULL, data text NOT NULL);
CREATE TABLE grouped (id text PRIMARY KEY, "group" text NOT NULL, data text NOT NULL);
CREATE TABLE membership (id text PRIMARY KEY, member text NOT NULL, "group" text NOT NULL);
INSERT INTO items VALUES ('first', 'u1', 'bench-0');
INSERT INTO items SELECT 'row ' || n, 'downloader', repeat(md5(n::text), 4)
  FROM generate_series(1, ${downloaded_rows}) n;
INSERT INTO membership SELECT format('a%s-%s', u, n), 'thousand ' || u, format('a%s-%s', u, n)
  FROM generate_series(1, ${thousand_users}) u, generate_series(1, 1000) n;
INSERT INTO grouped SELECT format('a%s-%s', u, n), format('a%s-%s', u, n % 1000 + 1), md5(n::text)
  FROM generate_series(1, ${thousand_users}) u, generate_series(1, 5000) n;
INSERT INTO membership SELECT format('b%s-%s', u, n), 'ten thousand ' || u, format('b%s-%s', u, n)
  FROM generate_series(1, ${ten_thousand_users}) u, generate_series(1, 9999) n;
INSERT INTO grouped SELECT format('b%s-%s', u, n), format('b%s-%s', u, n % 9999 + 1), md5(n::text)
  FROM generate_series(1, ${ten_thousand_users}) u, generate_series(1, 10000) n;
`;

const users = (kind, count) => Array.from({ length: count }, (_, i) => `${kind} ${i + 1}`);

const scenarios = {
  idle: ['idle', '10000'],
  latency: ['latency', '1', '20', '5', 'latency', '100', '20', '5', 'latency', '1000', '20', '5'],
  storm: ['storm', '10000', 'latency', '1', '20', '3'],
  reconnect: ['reconnect', '1000', 'reconnect', '1000'],
  first: [...users('thousand', thousand_users), ...users('ten thousand', ten_thousand_users)]
    .flatMap((user) => ['--user', user, 'first']),
  download: ['--user', 'downloader', 'download', 'download', 'download'],
};

const server = await Server.start('shared_buffers = 512MB', 'max_wal_size = 4GB');
let sidecar;
try {
  await server.query(schema);
  await server.query(`SELECT brigade.deploy($1)`, [yaml]);
  const config = configuration(server.uri);
  config.client_auth.audience = ['powersync'];
  sidecar = await Sidecar.start(server, { config });
  await sidecar.untilReadiness(200, 120_000);
  await server.query('VACUUM ANALYZE');
  const busy = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  console.log(`${new Date().toISOString()}  ${cpus()[0].model}, ${cpus().length} cores, ` +
    `load before ${busy}`);
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(scenarios);
  for (const name of names) {
    const postmaster = readFileSync(join(server.directory, 'data/postmaster.pid'), 'utf8');
    // Not synchronously: somebody must read the sidecar's log meanwhile.
    const { stdout } = await promisify(execFile)(load, ['--port', `${sidecar.port}`,
      '--pid', `${sidecar.process.pid}`, '--postmaster', postmaster.split('\n')[0],
      '--secret', secret.toString('base64url'), '--database', server.uri,
      '--commit', `UPDATE items SET data = 'bench-%d' WHERE id = 'first'`, ...scenarios[name]],
    { timeout: 120_000 });
    process.stdout.write(stdout);
  }
} finally {
  await sidecar?.stop();
  await server.stop();
}
