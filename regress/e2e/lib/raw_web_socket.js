import { once } from 'node:events';

import { deserialize } from 'bson';

import { signToken } from './token.js';

// Types of RSocket frames, above ten bits of flags.
const setup = 0x01 << 10;
const keepalive = 0x03 << 10;
const request_stream = 0x06 << 10;
const request_n = 0x08 << 10;
const payload = 0x0a << 10;
const has_metadata = 0x100;
const respond = 0x80;

const uint = (value, size) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
};
const text8 = (text) => Buffer.concat([uint(text.length, 1), Buffer.from(text)]);
const metadata = (value) => {
  const bytes = Buffer.from(JSON.stringify(value));
  return Buffer.concat([uint(bytes.length, 3), bytes]);
};
const frame = (stream, type, ...parts) =>
  Buffer.concat([uint(stream, 4), uint(type, 2), ...parts]);

/** RSocket over WebSocket that asks for lines only when it is told to. */
export class RawWebSocket {
  static async open(sidecar, user) {
    const raw = new RawWebSocket();
    raw.socket = new WebSocket(`${sidecar.url.replace('http', 'ws')}/sync/stream`);
    raw.socket.binaryType = 'arraybuffer';
    raw.socket.addEventListener('message', ({ data }) => raw.#take(Buffer.from(data)));
    await once(raw.socket, 'open');
    const version = [uint(1, 2), uint(0, 2)];
    raw.#send(0, setup | has_metadata, ...version, uint(20_000, 4), uint(90_000, 4),
      text8('application/json'), text8('application/json'),
      metadata({ token: `Token ${signToken(user)}` }));
    return raw;
  }

  lines = [];
  #keepalives = 0;

  #send(...parts) {
    this.socket.send(frame(...parts));
  }

  #take(message) {
    const type = message.readUInt16BE(4) & ~0x3ff;
    if (type === payload) this.lines.push(deserialize(message.subarray(6)));
    if (type === keepalive) this.#keepalives++;
  }

  /** The stream of the request `body`; `count` lines at first. */
  requestStream(body, count) {
    this.#send(1, request_stream | has_metadata, uint(count, 4),
      metadata({ path: '/sync/stream' }), Buffer.from(JSON.stringify(body)));
  }

  requestMore(count) {
    this.#send(1, request_n, uint(count, 4));
  }

  /** Resolves when the sidecar has answered this, and so has sent what it had to send before. */
  async keepalive() {
    const before = this.#keepalives;
    this.#send(0, keepalive | respond, Buffer.alloc(8));
    await this.until(() => this.#keepalives > before);
  }

  async until(condition) {
    while (!condition()) await once(this.socket, 'message');
  }

  close() {
    this.socket.close();
  }
}
