// RSocket 1.0 over a WebSocket, as much as a sync client needs. Each WebSocket message is a frame.
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';

import { deserialize } from 'bson';

import { BrokenPromise } from './documents.js';

const frames = { setup: 1, keepalive: 3, requestStream: 6, requestN: 8, payload: 10, error: 11 };
const flags = { metadata: 0x100, respond: 0x80, complete: 0x40, next: 0x20 };
const version = 1 << 16;
const streamId = 1;
const keepalive_ms = 5000;
const lifetime_ms = 90_000;

const opcodes = { binary: 2, close: 8, ping: 9, pong: 10 };

const number = (size, value) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
};

/** A client's WebSocket frame. Its mask is 0, which changes nothing. */
function webSocketFrame(opcode, content) {
  const { length } = content;
  const size = length < 126 ? [number(1, 0x80 | length)]
    : length < 2 ** 16 ? [number(1, 0xfe), number(2, length)] : [number(1, 0xff), number(2, 0),
      number(6, length)];
  return Buffer.concat([number(1, 0x80 | opcode), ...size, number(4, 0), content]);
}

/** Takes a server's frame off the front: {opcode, content, rest}; null if it is not all there. */
function takeFrame(bytes) {
  if (bytes.length < 2) return null;
  const short = bytes[1];
  const head = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < head) return null;
  const size = short === 127 ? Number(bytes.readBigUInt64BE(2))
    : short === 126 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < head + size) return null;
  return { opcode: bytes[0] & 0xf, content: bytes.subarray(head, head + size),
    rest: bytes.subarray(head + size) };
}

const frame = (id, type, flagBits, ...parts) =>
  Buffer.concat([number(4, id), number(2, type << 10 | flagBits), ...parts]);

const mimeType = Buffer.from('application/json');
const mime = Buffer.concat([number(1, mimeType.length), mimeType]);

const withMetadata = (metadata) => {
  const text = Buffer.from(JSON.stringify(metadata));
  return Buffer.concat([number(3, text.length), text]);
};

/** Resolves with the socket of a WebSocket to `url` (http://…); it can be destroyed at any time. */
export function openWebSocket(url) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const upgrade = request(url, { agent: false, headers: { connection: 'upgrade',
    upgrade: 'websocket', 'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64') } });
  upgrade.on('error', reject);
  upgrade.on('response', ({ statusCode }) => {
    upgrade.destroy();
    reject(new Error(`${statusCode} instead of a WebSocket`));
  });
  upgrade.on('upgrade', (response, socket, head) => {
    socket.on('error', () => {}); // Who reads is told.
    socket.unshift(head);
    resolve(socket);
  });
  upgrade.end();
  return promise;
}

/** A stream, document by document; null after each piece of it that arrived. The service may send
 * `credit` of them; when half have been taken, so many more. Each that comes beyond is a broken
 * promise. */
export class RSocketStream {
  #left;

  constructor(socket, { authorization, userAgent, body, credit }) {
    Object.assign(this, { socket, credit });
    this.#left = credit;
    this.#send(frame(0, frames.setup, flags.metadata, number(4, version),
      number(4, keepalive_ms), number(4, lifetime_ms), mime, mime,
      withMetadata({ token: authorization, user_agent: userAgent })));
    this.#send(frame(streamId, frames.requestStream, flags.metadata, number(4, credit),
      withMetadata({ path: '/sync/stream' }), Buffer.from(body)));
  }

  async* documents() {
    const alive = setInterval(() =>
      this.#send(frame(0, frames.keepalive, flags.respond, Buffer.alloc(8))), keepalive_ms);
    try {
      let rest = Buffer.alloc(0);
      for await (const piece of this.socket) {
        rest = Buffer.concat([rest, piece]);
        for (let next; (next = takeFrame(rest)); rest = next.rest) {
          if (next.opcode === opcodes.close) return;
          if (next.opcode === opcodes.ping) this.#write(opcodes.pong, next.content);
          else if (next.opcode === opcodes.binary) {
            const document = this.#take(next.content);
            if (document === end) return;
            if (document) yield document;
          }
          this.#askForMore();
        }
        yield null;
      }
    } finally {
      clearInterval(alive);
      this.socket.destroy();
    }
  }

  #take(content) {
    const word = content.readUInt16BE(4);
    switch (word >> 10) {
      case frames.error: throw new Error(content.toString('utf8', 10));
      case frames.payload: break;
      default: return null;
    }
    if (word & flags.next && this.#left-- === 0) {
      throw new BrokenPromise('more payloads than were asked for');
    }
    return word & flags.complete ? end : deserialize(content.subarray(6));
  }

  #askForMore() {
    if (this.#left > this.credit / 2) return;
    this.#send(frame(streamId, frames.requestN, 0, number(4, this.credit)));
    this.#left += this.credit;
  }

  #send(content) {
    this.#write(opcodes.binary, content);
  }

  #write(opcode, content) {
    if (this.socket.writable) this.socket.write(webSocketFrame(opcode, content));
  }
}

const end = Symbol('the end of a stream');
