// Running the sidecar: its configuration, signals, certificates, probes and metrics.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { RawClient, post } from './lib/raw_client.js';
import { configuration, program, Sidecar } from './lib/sidecar.js';
import { Todo } from './lib/todo.js';
import { secret, signToken } from './lib/token.js';

const run = promisify(execFile);
const groceries = '11111111-0000-4000-8000-000000000001';

let todo;
const write_checkpoint = (sidecar, token) =>
  fetch(`${sidecar.url}/write-checkpoint2.json?client_id=c`,
    { headers: { authorization: `Token ${token}` } });

before(async () => {
  todo = await Todo.start();
});
after(() => todo?.stop());

describe('a service.yaml of PowerSync', () => {
  // Every section that its documentation has.
  const serviceYaml = `
replication:
  connections:
    - type: postgresql
      uri: !env PS_DATA_SOURCE_URI
      sslmode: disable
storage:
  type: mongodb
  uri: !env PS_MONGO_URI
port: !env PS_PORT
sync_config:
  path: sync-config.yaml
client_auth:
  supabase: false
  jwks:
    keys:
      - kty: oct
        kid: tests
        alg: HS256
        k: ${secret.toString('base64url')}
  audience: [brigade-tests]
  block_local_jwks: true
api:
  tokens:
    - !env PS_ADMIN_TOKEN
  parameters:
    max_concurrent_connections: 50
telemetry:
  prometheus_port: 0
  disable_telemetry_sharing: false
healthcheck:
  probes:
    use_filesystem: true
system:
  logging:
    level: info
    format: json
migrations:
  disable_auto_migration: false
`;
  const environment = () => ({
    ...process.env,
    PS_DATA_SOURCE_URI: todo.server.uri,
    PS_MONGO_URI: 'mongodb://mongo:27017',
    PS_PORT: '0',
    PS_ADMIN_TOKEN: 'an admin token',
  });
  let directory;
  let file;

  before(async () => {
    directory = todo.sidecar.directory;
    file = join(directory, 'powersync.yaml');
    await writeFile(file, serviceYaml);
    await writeFile(join(directory, 'sync-config.yaml'),
      'config: {edition: 3}\nstreams: {settings: {auto_subscribe: true, query: ' +
      'SELECT * FROM settings}}\n');
  });

  test('is checked and printed, without its secrets', async () => {
    const options = { env: environment() };
    const check = await run(program, ['--config', file, '--check'], options);
    assert.equal(check.stdout, 'the configuration is valid\n');
    const { stdout } = await run(program, ['--config', file, '--print-config'], options);
    assert.match(stdout, /^connections_max: "50"$/m);
    assert.match(stdout, /^block_local_jwks: "true"$/m);
    assert.match(stdout, /^api_tokens: \(hidden\)$/m);
    assert.doesNotMatch(stdout, /an admin token/);
    await assert.rejects(
      run(program, ['--config', file, '--check'], { env: { ...options.env, PS_PORT: 'x' } }),
      /powersync.yaml: line 10, column 7: port: 'x' is not a whole number from 0 to 65535/);
  });

  test('comes as base64 too, and variables and flags win over it', async () => {
    const env = {
      ...environment(),
      POWERSYNC_CONFIG_B64: Buffer.from(serviceYaml.replace(/sync_config:[^]*?yaml/, ''))
        .toString('base64'),
      BRIGADE_BUCKETS_MAX: '77',
      BRIGADE_HOST: 'one',
    };
    const { stdout } = await run(program, ['--print-config', '--host', 'two'], { env });
    assert.match(stdout, /^buckets_max: "77"$/m);
    assert.match(stdout, /^host: "two"$/m);
  });

  test('serves, deploys its sync config, and names the keys without meaning', async () => {
    const sidecar = await Sidecar.start(todo.server, { config: file, env: environment() });
    await sidecar.says(/sync config deployed/);
    const log = sidecar.output.map((line) => JSON.parse(line).message);
    for (const key of ['storage.type', 'storage.uri', 'telemetry.disable_telemetry_sharing',
      'healthcheck.probes.use_filesystem', 'migrations.disable_auto_migration']) {
      assert.ok(log.some((message) => message.includes(`'${key}' has no meaning here`)), key);
    }
    await sidecar.untilReadiness(200);
    const client = await RawClient.open(sidecar.port);
    client.send(post('/sync/stream', '{}'));
    await client.until(/checkpoint_complete/);
    assert.match(client.text, /"name":"settings"/);
    client.vanish();
    const [line] = await sidecar.says(/.*stream ended.*/);
    const event = JSON.parse(line);
    assert.equal(event.user, 'anna');
    assert.equal(event.reason, 'client closed');
    assert.ok(event.operations >= 1 && event.completed_ms >= event.announced_ms);
    await sidecar.stop();
    await todo.deployExample();
  });
});

describe('signals', () => {
  let sidecar;

  before(async () => {
    sidecar = await Sidecar.start(todo.server);
    await sidecar.untilReadiness(200);
  });
  after(() => sidecar?.stop());

  test('SIGHUP: keys, limits and logging change, streams go on', async () => {
    const client = await RawClient.open(sidecar.port);
    client.send(post('/sync/stream', '{}'));
    await client.until(/checkpoint_complete/);
    const config = configuration(todo.server.uri);
    const key = Buffer.from('quite another secret, as long as HS256 needs');
    config.client_auth.jwks.keys[0].k = key.toString('base64url');
    await sidecar.configure({
      ...config,
      api: { parameters: { max_concurrent_connections: 1 } },
      system: { logging: { format: 'json' } },
    });
    sidecar.process.kill('SIGHUP');
    await sidecar.says(/settings reloaded/);
    assert.equal((await write_checkpoint(sidecar, signToken('anna'))).status, 401);
    assert.equal((await write_checkpoint(sidecar, signToken('anna', { key }))).status, 200);
    const refused = await fetch(`${sidecar.url}/sync/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json',
        authorization: `Token ${signToken('anna', { key })}` },
      body: '{}',
    });
    assert.equal(refused.status, 429);
    await todo.server.query(`INSERT INTO todos (list_id, description) VALUES ($1, 'after SIGHUP')`,
      [groceries]);
    await client.until(/after SIGHUP/);
    client.vanish();
    await sidecar.says(/"message":"stream ended"/);
  });

  test('SIGHUP with a mistake: the old settings stay, and the log says why', async () => {
    await sidecar.configure({ ...configuration(todo.server.uri), port: 'x' });
    sidecar.process.kill('SIGHUP');
    await sidecar.says(/the old settings stay: .*port: 'x' is not a whole number/);
    await sidecar.configure(configuration(todo.server.uri));
    const from = sidecar.output.length;
    sidecar.process.kill('SIGHUP');
    await sidecar.says(/settings reloaded/, { from });
    assert.equal((await write_checkpoint(sidecar, signToken('anna'))).status, 200);
  });

  /** Calls `during` while a request waits for a lock; it gets the answer's promise. */
  async function withRequestUnderWay(during) {
    const locker = await todo.server.pool.connect();
    try {
      await locker.query('BEGIN; LOCK TABLE brigade.write_checkpoint');
      const underWay = write_checkpoint(sidecar, signToken('anna')).catch(() => 'cut');
      await until(async () => (await todo.server.query(`
        SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'
          AND query LIKE '%brigade.create_write_checkpoint($1%'`)).length > 0);
      await during(underWay, () => locker.query('ROLLBACK'));
    } finally {
      await locker.query('ROLLBACK');
      locker.release();
    }
  }

  test('SIGTERM: streams end at a line, requests under way are answered', async () => {
    const lines = await RawClient.open(sidecar.port);
    lines.send(post('/sync/stream', '{}'));
    await lines.until(/checkpoint_complete/);
    await withRequestUnderWay(async (underWay, unlock) => {
      const exited = once(sidecar.process, 'exit');
      const begun = Date.now();
      sidecar.process.kill('SIGTERM');
      await lines.closed;
      assert.ok(Date.now() - begun < 1000, 'the stream ended at once');
      assert.match(lines.text, /\}\n\r\n0\r\n\r\n$/);
      await assert.rejects(fetch(`${sidecar.url}/probes/liveness`), 'nobody new is let in');
      await unlock();
      assert.equal((await underWay).status, 200);
      assert.deepEqual(await exited, [0, null]);
    });
    assert.match(sidecar.output.join('\n'), /stream ended .*reason="shutting down"/);
  });

  test('SIGTERM does not wait for ever', async () => {
    await sidecar.launch();
    await sidecar.untilReadiness(200);
    await withRequestUnderWay(async (underWay) => {
      const exited = once(sidecar.process, 'exit');
      const begun = Date.now();
      sidecar.process.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
      assert.ok(Date.now() - begun < 7_000);
      assert.equal(await underWay, 'cut');
    });
  });
});

/** Waits until `condition()` is true; Postgres announces the wait for a lock to nobody. */
async function until(condition) {
  for (const deadline = Date.now() + 15_000; !(await condition());) {
    assert.ok(Date.now() < deadline, `never: ${condition}`);
  }
}

describe('TLS', () => {
  let directory;
  let sidecar;

  const makeCertificate = (name) => run('openssl', ['req', '-x509', '-newkey', 'ec',
    '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', join(directory, 'key.pem'),
    '-out', join(directory, 'certificate.pem')]);
  /** The common name of the certificate that a new connection is shown. */
  const certificateName = async () => {
    const probe = request(`${sidecar.url}/probes/liveness`, { rejectUnauthorized: false,
      agent: false });
    probe.end();
    const [response] = await once(probe, 'response');
    const { CN } = response.socket.getPeerCertificate().subject;
    response.resume();
    return CN;
  };

  before(async () => {
    directory = todo.sidecar.directory;
    await makeCertificate('first');
    sidecar = await Sidecar.start(todo.server, {
      flags: ['--tls-certificate', join(directory, 'certificate.pem'),
        '--tls-key', join(directory, 'key.pem')],
    });
  });
  after(async () => {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    await sidecar?.stop();
  });

  test('the SDK syncs over it, by HTTP and WebSocket', async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // Nobody vouches for the certificate.
    for (const transport of ['http-bson', 'websocket']) {
      const client = await todo.open('anna', { sidecar, transport });
      await todo.inSync(client);
    }
  });

  test('plain HTTP is refused', async () => {
    const answer = await RawClient.ask(sidecar.port, 'GET /probes/liveness HTTP/1.1\r\n\r\n');
    assert.doesNotMatch(answer, /HTTP\/1.1 200/);
  });

  test('SIGHUP loads another certificate; one that is broken does not replace it', async () => {
    assert.equal(await certificateName(), 'first');
    await makeCertificate('second');
    sidecar.process.kill('SIGHUP');
    await sidecar.says(/settings reloaded/);
    assert.equal(await certificateName(), 'second');
    await writeFile(join(directory, 'certificate.pem'), 'broken');
    sidecar.process.kill('SIGHUP');
    await sidecar.says(/the old certificate stays/);
    assert.equal(await certificateName(), 'second');
    await todo.inSync(todo.clients.at(-1));
  });
});

test('metrics', async () => {
  const sidecar = await Sidecar.start(todo.server, { flags: ['--metrics-host', '127.0.0.1',
    '--metrics-port', '19464'] });
  await sidecar.untilReadiness(200);
  const client = await RawClient.open(sidecar.port);
  client.send(post('/sync/stream', '{}'));
  await client.until(/checkpoint_complete/);
  const text = await (await fetch('http://127.0.0.1:19464/metrics')).text();
  const value = (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
  assert.equal(value('powersync_concurrent_connections'), 1);
  assert.ok(value('powersync_operations_synced_total') > 0);
  assert.ok(value('powersync_data_synced_bytes_total') > 0);
  assert.ok(value('powersync_operation_storage_size_bytes') > 0);
  assert.equal(value('powersync_replication_lag_seconds'), 0);
  assert.ok(value('brigade_replication_lag_bytes') >= 0);
  assert.ok(value('brigade_compactions_total') >= 0);
  assert.ok(value('brigade_compaction_deleted_operations_total') >= 0);
  assert.ok(value('brigade_compaction_due_buckets') >= 0);
  assert.equal(value('brigade_ready'), 1);
  client.vanish();
  await sidecar.stop();
});
