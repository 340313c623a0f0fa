// Clients that are broken, slow or mean: each is refused or dropped, and all others go on.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';

import { RawClient, post } from './lib/raw_client.js';
import { configuration, Sidecar } from './lib/sidecar.js';
import { Todo } from './lib/todo.js';
import { signToken } from './lib/token.js';

const groceries = '11111111-0000-4000-8000-000000000001';
const latency_ms_max = 5000;
const resident_mib_max = 150;

let todo;
let sidecar;
let anna;
let inserted = 0;

before(async () => {
  todo = await Todo.start();
  sidecar = todo.sidecar;
  anna = await todo.open('anna');
  await todo.inSync(anna);
});
after(() => todo?.stop());

// Whatever a test did: an honest client gets what is committed, soon, and nothing has piled up.
afterEach(async () => {
  await todo.server.query(`INSERT INTO todos (list_id, description) VALUES ($1, $2)`,
    [groceries, `honest ${++inserted}`]);
  await todo.inSync(anna, latency_ms_max);
  const status = await readFile(`/proc/${sidecar.process.pid}/status`, 'utf8');
  const resident_mib = Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
  const plain = !process.env.BRIGADE_SIDECAR; // Sanitizers take memory of their own.
  if (plain) assert.ok(resident_mib < resident_mib_max, `${resident_mib} MiB`);
});

const stream = (body, options) => post('/sync/stream', body, options);
const refused = async (status, ...words) => {
  const answer = await RawClient.ask(sidecar.port, ...words);
  assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
  return answer;
};
/** Waits until the log has `count` more lines of streams that ended. */
const streamsEnded = async (from, count) => {
  for (let seen = from; count > 0; count--) {
    await sidecar.says(/stream ended/, { from: seen });
    seen = sidecar.output.findIndex((line, i) => i >= seen && /stream ended/.test(line)) + 1;
  }
};

test('bytes that are no HTTP', async () => {
  await refused(400, 'SSH-2.0-OpenSSH_9.2\r\n\r\n');
  await refused(400, Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 37) % 256)));
  await refused(400, Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00])); // TLS
  await refused(400, 'GET / HTTP/1.1\r\nbad\0name: x\r\n\r\n');
  await refused(400, 'POST /sync/stream HTTP/1.1\r\ncontent-length: 1\r\n' +
    'transfer-encoding: chunked\r\n\r\n');
});

test('heads and bodies beyond the limits', async () => {
  await refused(431, `GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`);
  await refused(431, `GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(200)}\r\n`);
  await refused(431, `GET /${'y'.repeat(40_000)} HTTP/1.1\r\n\r\n`);
  await refused(413, stream('', { headers: { 'content-length': 2 ** 40 } }));
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
  await refused(413, 'POST /sync/stream HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n',
    ...Array(40).fill(chunk));
});

test('bodies that are no request', async () => {
  const close = { headers: { connection: 'close' } };
  for (const body of [
    '['.repeat(100_000), '{"a":'.repeat(10_000), '{', 'null', '7', '{"buckets":7}',
    '{"client_id":"\\u0000"}', '{"parameters":{"\\u0000":1}}',
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), '{"client_id":"\\ud800"}',
    '{"buckets":[{"name":"a","after":"1e3"}]}',
  ]) {
    assert.match(await refused(400, stream(body, close)), /PSYNC_S2001/);
  }
});

test('text that Postgres cannot hold', async () => {
  for (const client_id of ['%00', '%ff', 'a%c0%80', '%ed%a0%80']) {
    const answer = await fetch(`${sidecar.url}/write-checkpoint2.json?client_id=${client_id}`,
      { headers: { authorization: `Token ${signToken('anna')}` } });
    assert.equal(answer.status, 400, client_id);
  }
});

test('values that are deep, long or many where they are allowed', async () => {
  const parameters = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`p${i}`, 'x']));
  const buckets = Array.from({ length: 5000 }, (_, i) => ({ name: `no such ${i}`, after: '9' }));
  const client = await RawClient.open(sidecar.port);
  client.send(stream(JSON.stringify({ parameters, buckets })));
  await client.until(/checkpoint_complete/);
  client.vanish();
});

test('pipelined requests: the first is answered, the rest refused', async () => {
  const probe = 'GET /probes/liveness HTTP/1.1\r\nhost: x\r\n\r\n';
  const answer = await RawClient.ask(sidecar.port, probe.repeat(3));
  assert.equal(answer.match(/HTTP\/1.1 /g).length, 1);
  assert.match(answer, /^HTTP\/1.1 200 [^]*connection: close/);
});

test('one connection serves one request after the other', async () => {
  const client = await RawClient.open(sidecar.port);
  for (let n = 1; n <= 3; n++) {
    client.send('GET /probes/liveness HTTP/1.1\r\nhost: x\r\n\r\n');
    await client.until(new RegExp(`(HTTP/1.1 200 [^]*"touched_at"[^]*){${n}}`));
  }
  client.vanish();
});

test('WebSockets that speak something else', async () => {
  const upgrade = (headers) => `GET /sync/stream HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n` +
    `upgrade: websocket\r\n${headers}\r\n`;
  const handshake = upgrade('sec-websocket-version: 13\r\n' +
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n');
  await refused(400, upgrade(''));
  await refused(400, upgrade('sec-websocket-version: 8\r\nsec-websocket-key: short\r\n'));
  for (const bytes of [
    Buffer.from([0x82, 0x02, 0x00, 0x00]), // A client's frame without a mask.
    Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 7]),
    Buffer.from([0xf3, 0x80, 0, 0, 0, 0]), // Reserved bits and opcode.
    Buffer.from([0x82, 0x84, 0, 0, 0, 0, 1, 2, 3, 4]), // No RSocket frame.
    Buffer.from([0x82, 0x86, 0, 0, 0, 0, 0, 0, 0, 1, 0x18, 0]), // REQUEST_STREAM before SETUP.
  ]) {
    await refused(101, handshake, bytes);
  }
});

test('two hundred clients vanish in the middle of their streams', async () => {
  const from = sidecar.output.length;
  const clients = await Promise.all(Array.from({ length: 200 }, async () => {
    const client = await RawClient.open(sidecar.port);
    client.send(stream('{}'));
    await client.until(/checkpoint_complete/);
    return client;
  }));
  for (const client of clients) client.vanish();
  await streamsEnded(from, 200);
});

test('a thousand connections that say nothing, or stop in the middle', async () => {
  const words = ['', 'G', 'POST /sync/stream HTTP/1.1\r\nhost: x\r\n',
    stream('{}').subarray(0, -1)];
  const clients = await Promise.all(Array.from({ length: 1000 }, async (_, i) => {
    const client = await RawClient.open(sidecar.port);
    client.send(words[i % words.length]);
    return client;
  }));
  await todo.server.query(`UPDATE settings SET value = 'amid silence'`);
  await todo.inSync(anna, latency_ms_max);
  for (const client of clients) client.vanish();
});

test('connections that come as fast as they can, and go', async () => {
  let going = true;
  let count = 0;
  const storm = Promise.all(Array.from({ length: 100 }, async () => {
    for (; going; count++) (await RawClient.open(sidecar.port)).vanish();
  }));
  for (let n = 0; n < 5; n++) {
    await todo.server.query('UPDATE settings SET value = $1', [`amid the storm ${n}`]);
    await todo.inSync(anna, latency_ms_max);
  }
  going = false;
  await storm;
  assert.ok(count > 100, `${count}`);
});

test('a thousand requests at once', async () => {
  const answers = await Promise.all(Array.from({ length: 1000 }, () => RawClient.ask(sidecar.port,
    'GET /probes/liveness HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')));
  for (const answer of answers) assert.match(answer, /^HTTP\/1.1 200 /);
});

test('fifty clients that read nothing of 20 MB', async () => {
  await todo.server.query(`
    WITH list AS (INSERT INTO lists (owner_id, name) VALUES ('dora', 'Long') RETURNING id)
    INSERT INTO todos (list_id, description)
    SELECT id, repeat(md5(n::text), 32) FROM list, generate_series(1, 20000) n`);
  await todo.stored();
  const clients = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    const client = await RawClient.open(sidecar.port);
    client.socket.pause();
    const coding = ['identity', 'gzip', 'zstd'][i % 3];
    client.send(stream('{}', { user: 'dora', headers: { 'accept-encoding': coding } }));
    return client;
  }));
  await sidecar.says(/stream started.* user=dora .*coding=zstd/);
  await todo.server.query(`UPDATE settings SET value = 'amid slowness'`);
  await todo.inSync(anna, latency_ms_max);
  const dora = await todo.open('dora');
  await todo.inSync(dora, 30_000);
  for (const client of clients) client.vanish();
});

test('more streams than are allowed', async () => {
  const config = configuration(todo.server.uri);
  const small = await Sidecar.start(todo.server, {
    config: { ...config, api: { parameters: { max_concurrent_connections: 2 } } },
  });
  const clients = [];
  for (let n = 0; n < 2; n++) {
    clients.push(await RawClient.open(small.port));
    clients[n].send(stream('{}'));
    await clients[n].until(/checkpoint_complete/);
  }
  const third = await RawClient.ask(small.port, stream('{}', { headers: { connection: 'close' } }));
  assert.match(third, /^HTTP\/1.1 429 [^]*PSYNC_S2304/);
  clients[0].vanish();
  await small.says(/stream ended/);
  const next = await RawClient.open(small.port);
  next.send(stream('{}'));
  await next.until(/checkpoint_complete/);
  for (const client of [...clients, next]) client.vanish();
  await small.stop();
});

test('more buckets than are allowed', async () => {
  const config = configuration(todo.server.uri);
  const small = await Sidecar.start(todo.server, {
    config: { ...config, api: { parameters: { max_buckets_per_connection: 1 } } },
  });
  const words = stream('{}', { headers: { connection: 'close' } });
  const answer = await RawClient.ask(small.port, words);
  assert.match(answer, /^HTTP\/1.1 500 [^]*PSYNC_S2305[^]*Too many buckets/);
  await small.stop();
});
