import { once } from 'node:events';
import { connect } from 'node:net';

import { signToken } from './token.js';

/** A TCP connection that says exactly what it is told to, and nothing else. */
export class RawClient {
  static async open(port) {
    const client = new RawClient();
    client.received = Buffer.alloc(0);
    client.socket = connect(port, '127.0.0.1');
    client.socket.on('error', () => {}); // A reset; 'close' follows.
    client.socket.on('data', (bytes) => {
      client.received = Buffer.concat([client.received, bytes]);
    });
    client.closed = new Promise((resolve) => { client.socket.on('close', resolve); });
    await Promise.race([once(client.socket, 'connect'), client.closed]);
    return client;
  }

  /** Says all of `words` and resolves with everything that was answered before the close. */
  static async ask(port, ...words) {
    const client = await RawClient.open(port);
    // One after the other is taken or refused: an answer may come before the end of the question.
    for (const word of words) await client.send(word);
    await client.closed;
    return client.text;
  }

  get text() {
    return this.received.toString();
  }

  /** Resolves when the kernel has taken `bytes`, or when nobody will. */
  send(bytes) {
    return new Promise((resolve) => { this.socket.write(bytes, resolve); });
  }

  /** Resolves when `pattern` matches what was received, or rejects at the close. */
  async until(pattern) {
    const closed = this.closed.then(() => {
      throw new Error(`closed before ${pattern} came:\n${this.text.slice(-500)}`);
    });
    closed.catch(() => {});
    while (!pattern.test(this.text)) {
      await Promise.race([once(this.socket, 'data'), closed]);
    }
  }

  vanish() {
    this.socket.resetAndDestroy();
  }
}

/** The bytes of a request with a body. */
export function post(path, body, { user = 'anna', headers = {} } = {}) {
  const lines = Object.entries({
    host: 'tests',
    authorization: `Token ${signToken(user)}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`),
    Buffer.from(body)]);
}
