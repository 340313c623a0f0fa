// How streams and keys travel: codings, back-pressure over WebSocket, key sets over HTTP.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { after, before, test } from 'node:test';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { PassThrough } from 'node:stream';

import { RawWebSocket } from './lib/raw_web_socket.js';
import { configuration, Sidecar } from './lib/sidecar.js';
import { Todo } from './lib/todo.js';
import { secret, signToken } from './lib/token.js';

const groceries = '11111111-0000-4000-8000-000000000001';

let todo;

before(async () => {
  todo = await Todo.start();
  await todo.sidecar.untilReadiness(200);
});
after(() => todo?.stop());

const insert = (description) => todo.server.query(
  `INSERT INTO todos (list_id, description) VALUES ($1, $2)`, [groceries, description]);

const identity = () => new PassThrough();
const decoders = { gzip: createGunzip, zstd: createZstdDecompress, identity };
for (const [coding, makeDecoder] of Object.entries(decoders)) {
  test(`a stream in ${coding}: every line can be read when it comes`, async () => {
    const asking = request(`${todo.sidecar.url}/sync/stream`, {
      method: 'POST',
      headers: { authorization: `Token ${signToken('anna')}`, 'content-type': 'application/json',
        'accept-encoding': `${coding}, br;q=0.9` },
    });
    asking.end('{}');
    const [response] = await once(asking, 'response');
    assert.equal(response.headers['content-encoding'] ?? 'identity', coding);
    const lines = response.pipe(makeDecoder());
    let text = '';
    lines.on('data', (bytes) => { text += bytes; });
    const until = async (pattern) => {
      while (!pattern.test(text)) await once(lines, 'data');
    };
    await until(/checkpoint_complete/);
    await insert(`in ${coding}`);
    await until(new RegExp(`in ${coding}[^]*checkpoint_complete`));
    asking.destroy();
  });
}

test('a WebSocket gets as many lines as it asked for', async (t) => {
  const anna = await todo.open('anna');
  const socket = await RawWebSocket.open(todo.sidecar, 'anna');
  t.after(() => socket.close());
  socket.requestStream({}, 1);
  await socket.until(() => socket.lines.length > 0);
  await insert('nobody asked');
  await todo.inSync(anna);
  await socket.keepalive();
  assert.deepEqual(socket.lines.map((line) => Object.keys(line)), [['checkpoint']]);
  socket.requestMore(1);
  await socket.until(() => socket.lines.length > 1);
  await socket.keepalive();
  assert.equal(socket.lines.length, 2);
  socket.requestMore(1000);
  await socket.until(() => socket.lines.some((line) => line.checkpoint_complete));
  assert.match(JSON.stringify(socket.lines), /nobody asked/);
});

test('keys come over HTTP, once, and not from near addresses if that is forbidden', async (t) => {
  let fetches = 0;
  const keys = createServer((_, response) => {
    fetches++;
    response.end(JSON.stringify({ keys: [
      { kty: 'oct', alg: 'HS256', kid: 'tests', k: secret.toString('base64url') }] }));
  }).listen(0, '127.0.0.1');
  t.after(() => keys.close());
  await once(keys, 'listening');
  const config = configuration(todo.server.uri);
  delete config.client_auth.jwks;
  config.client_auth.jwks_uri = `http://127.0.0.1:${keys.address().port}/keys`;
  const sidecar = await Sidecar.start(todo.server, { config });
  t.after(() => sidecar.stop());
  const ask = async () => (await fetch(`${sidecar.url}/write-checkpoint2.json?client_id=c`,
    { headers: { authorization: `Token ${signToken('anna')}` } })).status;
  assert.equal(await ask(), 200);
  assert.equal(await ask(), 200);
  assert.equal(fetches, 1);
  config.client_auth.block_local_jwks = true;
  await sidecar.configure(config);
  sidecar.process.kill('SIGHUP');
  await sidecar.says(/settings reloaded/);
  assert.equal(await ask(), 401);
  await sidecar.says(/keys from .*:/);
  assert.equal(fetches, 1);
});
