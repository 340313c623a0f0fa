import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import { BrokenPromise, documents } from '../e2e/lib/documents.js';
import { signToken } from '../e2e/lib/token.js';
import { StreamState } from './stream_state.js';

const silence_ms_max = 45_000; // Keepalives come every 20 s.
const documents_kept = 300;
const retry_ms = 100;

/** A client of our own: the protocol and its checks, no database. Hundreds fit into a process. */
export class FastClient {
  #stopped = false;
  #request = null;
  #running;
  #slow_ms = 0;
  documents = []; // The last ones, for reports.
  connections = 0;

  /** `url()` says where to connect the next time, `form` is one of documents.js.
   * `onCheckpoint(client, checkpoint)` is called for every completed checkpoint,
   * `onFailure(client, error)` when the protocol's promises break. */
  constructor({ name, identity, url, form, ledger, random, onCheckpoint, onFailure }) {
    Object.assign(this, { name, identity, url, form, random, onCheckpoint, onFailure });
    this.awaited = []; // Write checkpoints: {number, version}.
    this.writeCheckpoint = 0;
    this.clientId = name;
    this.ledger = ledger;
    this.state = new StreamState(ledger);
    this.tokenLifetime_s = 3600;
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
    this.#request?.destroy();
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

  headers() {
    const { user, claims } = this.identity;
    const now = Math.floor(Date.now() / 1000);
    const token = signToken(user, { claims: { ...claims, exp: now + this.tokenLifetime_s } });
    return { authorization: `Token ${token}`, 'content-type': 'application/json',
      'user-agent': 'oracle', ...this.form };
  }

  async #stream() {
    const { state } = this;
    const { connection, subscriptions } = this.identity;
    const body = JSON.stringify({
      buckets: state.positions(), include_checksum: true, raw_data: true,
      client_id: this.clientId, parameters: connection,
      streams: { include_defaults: true, subscriptions },
    });
    const response = await this.#open('/sync/stream', 'POST', body, (request) => {
      this.#request = request;
    });
    this.connections++;
    this.#keep({ request: body });
    for await (const document of documents(response, this.form)) {
      if (state !== this.state) return;
      if (document) this.#take(document);
      else if (this.#slow_ms > 0) await delay(this.random.between(0, this.#slow_ms));
    }
  }

  #keep(document) {
    this.documents.push(document);
    if (this.documents.length > documents_kept) this.documents.shift();
  }

  #take(document) {
    this.#keep(document);
    try {
      const checkpoint = this.state.take(document);
      if (checkpoint) this.onCheckpoint(this, checkpoint);
    } catch (cause) {
      throw new BrokenPromise(cause.message, { cause });
    }
  }

  #open(path, method, body, onRequest = () => {}) {
    const { promise, resolve, reject } = Promise.withResolvers();
    const request = http.request(this.url() + path,
      { method, headers: this.headers(), agent: false, timeout: silence_ms_max });
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
    const response = await this.#open(`/write-checkpoint2.json?client_id=${this.clientId}`, 'GET');
    const answer = JSON.parse((await response.setEncoding('utf8').toArray()).join(''));
    return Number(answer.data.write_checkpoint);
  }
}
