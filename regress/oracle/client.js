import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import { BrokenPromise, documents } from '../e2e/lib/documents.js';
import { openWebSocket, RSocketStream } from '../e2e/lib/rsocket.js';
import { StreamState } from './stream_state.js';
import { Token } from './token.js';

const userAgent = 'oracle';
const silence_ms_max = 45_000; // Keepalives come every 20 s.
const documents_kept = 300;
const retry_ms = 100;

/** A client of our own: the protocol and its checks, no database. Hundreds fit into a process. */
export class FastClient {
  #stopped = false;
  #connection = null; // A request or socket.
  #running;
  #slow_ms = 0;
  documents = []; // The last ones, for reports.
  connections = 0; // Attempts too.

  /** `url()` says where to connect the next time, `form` is one of documents.js. `credit`: how many
   * documents it asks for at once by WebSocket; 0 for HTTP.
   * `onCheckpoint(client, checkpoint)` is called for every completed checkpoint,
   * `onFailure(client, error)` when the protocol's promises break. */
  constructor({ name, identity, url, form, credit, machine, ledger, random,
    onCheckpoint, onFailure }) {
    Object.assign(this, { name, identity, url, form, credit, machine, random, onCheckpoint,
      onFailure });
    this.awaited = []; // Write checkpoints: {number, version}.
    this.writeCheckpoint = 0;
    this.ledger = ledger;
    this.state = new StreamState(ledger);
    this.useTokens();
    this.#running = this.#run();
  }

  /** As StreamState.rows(). */
  rows() {
    return this.state.rows();
  }

  /** Forgets everything and starts as a new device would. */
  reset() {
    this.state = new StreamState(this.ledger);
    this.version = null;
    this.disconnect();
  }

  /** Cuts the connection; the client comes back by itself. */
  disconnect() {
    this.#connection?.destroy();
  }

  /** Of what kind its tokens are from now on; see Token. */
  useTokens({ lifetime_s = 3600, ahead_s = 0 } = {}) {
    this.tokens = { lifetime_s, ahead_s };
  }

  /** Reads no faster than a piece every `pause_ms`. */
  slowDown(pause_ms) {
    this.#slow_ms = pause_ms;
  }

  async stop() {
    this.#stopped = true;
    this.disconnect();
    await this.#running;
  }

  async #run() {
    while (!this.#stopped) {
      try {
        await this.#stream();
      } catch (error) {
        if (error instanceof BrokenPromise) return this.onFailure(this, error);
        this.lastError = error;
      }
      if (!this.#stopped) await delay(retry_ms + this.random.between(0, retry_ms));
    }
  }

  async #stream() {
    const { state, random, identity: { connection, subscriptions } } = this;
    const body = JSON.stringify({
      buckets: state.positions(), include_checksum: true, raw_data: true,
      client_id: this.name, parameters: connection,
      streams: { include_defaults: true, subscriptions },
    });
    this.token = this.#newToken();
    this.connections++;
    this.#keep({ request: body });
    try {
      for await (const document of await this.#documents(body)) {
        if (state !== this.state) return;
        if (document) this.#take(document);
        else if (this.#slow_ms > 0) await delay(random.between(0, this.#slow_ms));
      }
    } catch (error) {
      this.token.failed(error);
      throw error;
    }
  }

  #newToken() {
    const { machine, identity, random, tokens } = this;
    return new Token({ machine, identity, random, ...tokens });
  }

  async #documents(body) {
    const { form, credit, token: { authorization } } = this;
    const connected = (connection) => { this.#connection = connection; };
    if (credit === 0) {
      return documents(await this.#open('/sync/stream', 'POST', authorization, body, connected),
        form);
    }
    const socket = await openWebSocket(`${this.url()}/sync/stream`);
    connected(socket);
    socket.setTimeout(silence_ms_max, () => socket.destroy(new Error('silence')));
    return new RSocketStream(socket, { authorization, userAgent, body, credit }).documents();
  }

  #keep(document) {
    this.documents.push(document);
    if (this.documents.length > documents_kept) this.documents.shift();
  }

  #take(document) {
    this.#keep(document);
    this.token.used({ late: this.#slow_ms > 0 });
    if (document.token_expires_in === 0) this.token.end();
    try {
      const checkpoint = this.state.take(document);
      if (checkpoint) this.onCheckpoint(this, checkpoint);
    } catch (cause) {
      throw new BrokenPromise(cause.message, { cause });
    }
  }

  #open(path, method, authorization, body, onRequest = () => {}) {
    const { promise, resolve, reject } = Promise.withResolvers();
    const headers = { authorization, 'content-type': 'application/json', 'user-agent': userAgent,
      ...this.form };
    const request = http.request(this.url() + path,
      { method, headers, agent: false, timeout: silence_ms_max });
    onRequest(request);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('silence')));
    request.on('response', (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.setEncoding('utf8').toArray().then(
        (text) => reject(new Error(`${response.statusCode}: ${text.join('')}`)), reject);
    });
    request.end(body);
    return promise;
  }

  /** Asks for a write checkpoint: when it is acknowledged, `version` must be there. */
  async awaitVersion(version) {
    try {
      this.awaited.push({ number: await this.#requestWriteCheckpoint(), version });
    } catch (error) {
      this.lastError = error; // An upload queue would ask again.
    }
  }

  /** Takes what a completed checkpoint acknowledges; what it got wrong, or null. */
  acknowledge(number, version) {
    if (number < this.writeCheckpoint) {
      return `acknowledges ${number} after ${this.writeCheckpoint}`;
    }
    this.writeCheckpoint = number;
    const early = this.awaited.find((one) => one.number <= number && one.version > version);
    this.awaited = this.awaited.filter((one) => one.number > number);
    return early && `acknowledges write checkpoint ${early.number} at version ${version}, but it ` +
      `was asked for after version ${early.version}`;
  }

  /** Asks for a write checkpoint; its number. */
  async #requestWriteCheckpoint() {
    const path = `/write-checkpoint2.json?client_id=${encodeURIComponent(this.name)}`;
    const response = await this.#open(path, 'GET', this.#newToken().authorization);
    const answer = JSON.parse((await response.setEncoding('utf8').toArray()).join(''));
    return Number(answer.data.write_checkpoint);
  }
}
