// One run: a world, its clients, its troubles and the checks.
import { setTimeout as delay } from 'node:timers/promises';

import { Server } from '../e2e/lib/server.js';
import { Sidecar } from '../e2e/lib/sidecar.js';
import { Checker } from './checker.js';
import { FastClient } from './client.js';
import { forgetSql, historySql } from './history.js';
import { Ledger } from './ledger.js';
import { Random } from './random.js';
import { createConfig, createIdentity } from './streams.js';
import { seedStatements, Writer } from './workload.js';
import { createWorld, schemaSql } from './world.js';

export const convergence_ms_max = 30_000;
const backlog_max = 60;

/** What a client or check found; `run.failure` is the first. */
class Failure extends Error {}

export class Run {
  failure = null;
  clients = [];
  configs = new Map();
  #isOver = false;
  #isHeld = false;
  #idleWriters = 0;

  constructor({ seed, clientCount = 24, writerCount = 3, say = () => {} }) {
    this.seed = new Random(seed);
    Object.assign(this, { clientCount, writerCount, say });
    this.world = createWorld(this.seed);
    this.ledger = new Ledger();
  }

  async start() {
    const { world, seed } = this;
    const random = seed.fork('server');
    this.server = await Server.start(
      `logical_decoding_work_mem = ${random.pick(['64kB', '64MB'])}`,
      `deadlock_timeout = 50ms`, `max_connections = 60`);
    this.pool = this.server.pool;
    await this.server.query(schemaSql(world));
    await this.server.query(historySql(world.tables));
    await this.server.query('CREATE EXTENSION pg_brigade');
    const first = this.#writer('first');
    await first.commit({ statements: seedStatements(world, seed.fork('rows')) });
    await this.deploy(0);
    this.sidecar = await Sidecar.start(this.server);
    this.checker = new Checker({ pool: this.pool, configs: this.configs,
      fail: (client, message) => this.fail(client, message) });
    const identities = Array.from({ length: 10 }, (_, n) =>
      createIdentity(world, seed.fork(`identity ${n}`)));
    for (let n = 0; n < this.clientCount; n++) this.#addClient(n, identities);
    this.writers = Array.from({ length: this.writerCount }, (_, n) => this.#writer(`writer ${n}`));
    this.working = Promise.all(this.writers.map((writer) => writer.run(() => this.#isOver)));
    this.working.catch((error) => this.fail(null, error.stack));
  }

  async deploy(number) {
    const config = createConfig(this.world, this.seed, number);
    this.configs.set(number, config);
    await this.server.query('SELECT brigade.deploy($1)', [config.yaml]);
    return config;
  }

  #addClient(n, identities) {
    const random = this.seed.fork(`client ${n}`);
    this.clients.push(new FastClient({
      name: `client ${n}`, identity: random.pick(identities), url: this.sidecar.url,
      ledger: this.ledger, random,
      onCheckpoint: (client, checkpoint) => this.checker.check(client, checkpoint),
      onFailure: (client, error) => this.fail(client, error.stack),
    }));
  }

  #writer(name) {
    return new Writer({ pool: this.pool, world: this.world, random: this.seed.fork(name),
      pause_ms: 60, hold: () => this.#hold() });
  }

  /** Writers wait here while they are held, and while the checks are behind. */
  async #hold() {
    this.#idleWriters++;
    while (!this.#isOver && (this.#isHeld || this.checker?.backlog > backlog_max)) await delay(10);
    this.#idleWriters--;
  }

  fail(client, message) {
    if (this.failure) return;
    this.failure = new Failure([
      `${client?.name ?? 'the run'}: ${message}`,
      ...(client ? [JSON.stringify(client.identity), ...client.lines.slice(-6)] : []),
    ].join('\n'));
  }

  /** Holds the writers until every client shows the newest version; fails if one never does. */
  async converge() {
    this.#isHeld = true;
    while (!this.failure && this.#idleWriters < this.writers.length) await delay(5);
    const [{ version }] = await this.server.query(
      'UPDATE oracle_clock SET version = version + 1 RETURNING version');
    const start = Date.now();
    const isBehind = (client) => client.version !== Number(version);
    while (!this.failure && this.clients.some(isBehind)) {
      if (Date.now() - start > convergence_ms_max) {
        const late = this.clients.find(isBehind);
        this.fail(late, `at version ${late.version}, not ${version}, ${convergence_ms_max} ms ` +
          `after all faults were healed; its last error: ${late.lastError}`);
      }
      await delay(5);
    }
    await this.checker.idle();
    if (this.failure) throw this.failure;
    await this.server.query(forgetSql(this.world.tables, version));
    this.#isHeld = false;
    return Date.now() - start;
  }

  /** Rounds of work and convergence for `seconds`. */
  async work(seconds) {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end && !this.failure) {
      const roundEnd = Math.min(end, Date.now() + 8000);
      while (Date.now() < roundEnd && !this.failure) await delay(50);
      const took_ms = await this.converge();
      this.say(`${this.summary()}, converged in ${took_ms} ms`);
    }
    if (this.failure) throw this.failure;
  }

  summary() {
    const sum = (list, name) => list.reduce((total, one) => total + one[name], 0);
    return `${sum(this.writers, 'committed')} transactions (${sum(this.writers, 'refused')} ` +
      `refused), ${this.checker.checked} checkpoints of ${this.checker.versions.size} versions ` +
      `compared, ${sum(this.clients, 'connections')} connections`;
  }

  async stop() {
    this.#isOver = true;
    await this.working?.catch(() => {});
    await Promise.all(this.clients.map((client) => client.stop()));
    await this.checker?.idle();
    await this.sidecar?.end('SIGTERM');
    await this.server?.stop();
  }
}
