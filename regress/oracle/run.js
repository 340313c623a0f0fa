// One run: a world, its clients, its troubles and the checks.
import { setTimeout as delay } from 'node:timers/promises';

import { transports } from '../e2e/lib/client.js';
import { anyForm, plain } from '../e2e/lib/documents.js';
import { Server } from '../e2e/lib/server.js';
import { Sidecar } from '../e2e/lib/sidecar.js';
import { Checker, difference } from './checker.js';
import { FastClient } from './client.js';
import { Deadline } from './deadline.js';
import { forgetSql, historySql } from './history.js';
import { Ledger } from './ledger.js';
import { Link } from './link.js';
import { Machine } from './machine.js';
import { nemeses } from './nemesis.js';
import { Notes } from './notes.js';
import { isOutage, isUnlucky } from './outages.js';
import { Random } from './random.js';
import { writeReport } from './report.js';
import { checkResources } from './resources.js';
import { SdkClient } from './sdk_client.js';
import { Saboteur } from './saboteur.js';
import { configNumber, createConfig, createIdentity } from './streams.js';
import { seedStatements, Statements, Writer } from './workload.js';
import { createWorld, schemaSql } from './world.js';

const convergence_ms_max = 30_000;
const backlog_max = 60;
const round_ms = 8000;

/** What a client or check found; `run.failure` is the first. */
class Failure extends Error {}

class Run {
  failure = null;
  clients = [];
  sdks = [];
  configs = new Map();
  links = [];
  sidecars = [];
  services = []; // What clients connect to: the sidecars, unless there is a saboteur.
  suffered = [];
  nextColumn = 0; // The number of the next column that ddl.js adds.
  #isOver = false;
  #restarting = Promise.resolve();
  #isHeld = false;
  #idleWriters = 0;

  /** `faults`: names of the nemeses that may come; all if absent. `bug`: one of saboteur.js that
   * the service is to have. */
  constructor({ seed, clientCount = 24, writerCount = 3, sdkCount = 2, pauseMs = 60, faults, bug,
    reports = true, say = () => {} }) {
    this.seed = new Random(seed);
    Object.assign(this, { clientCount, writerCount, sdkCount, pauseMs, bug, reports, say });
    this.world = createWorld(this.seed);
    this.notes = new Notes(this.world);
    this.ledger = new Ledger();
    this.faults = faults ?? Object.keys(nemeses);
  }

  async start() {
    const { world, seed } = this;
    await this.#startServer(seed.fork('server'));
    this.writers = Array.from({ length: this.writerCount }, (_, n) => this.#writer(`writer ${n}`));
    await this.#writer('first').commit({ statements: seedStatements(world, seed.fork('rows')) });
    await this.notes.change(this, seed.fork('notes'));
    await this.deploy(0);
    for (let n = 0; n < 2; n++) await this.#startSidecar();
    this.checker = new Checker({ pool: this.pool, configs: this.configs, notes: this.notes,
      fail: (client, message) => this.fail(client, message) });
    const identities = Array.from({ length: 10 }, (_, n) =>
      createIdentity(world, seed.fork(`identity ${n}`)));
    for (let n = 0; n < this.clientCount; n++) this.#addClient(n, identities);
    await this.#openSdks(identities);
    this.working = Promise.all([
      ...this.writers.map((writer) => writer.run(() => this.#isOver)), this.#upload()]);
    this.working.catch((error) => this.fail(null, error.stack));
  }

  async #startServer(random) {
    this.machine = new Machine();
    this.server = await Server.start(
      `logical_decoding_work_mem = ${random.pick(['64kB', '64MB'])}`,
      // 0: processes of their own read even the smallest table for a copy.
      `min_parallel_table_scan_size = ${random.pick(['0', '8MB'])}`,
      'deadlock_timeout = 50ms', 'max_connections = 60', 'restart_after_crash = on');
    this.pool = this.server.openPool({ max: 12 });
    await this.query(schemaSql(this.world));
    await this.query(historySql(this.world));
    await this.query('CREATE EXTENSION pg_brigade');
  }

  async #startSidecar() {
    const { directory } = this.server;
    const link = await Link.open(directory);
    this.links.push(link);
    const sidecar = await Sidecar.start({ directory, uri: link.uri });
    this.sidecars.push(sidecar);
    this.services.push(this.bug ? await Saboteur.open(sidecar, this.bug, this.seed.fork('bug'))
      : sidecar);
  }

  /** The rows of a query, which is made again while Postgres is away. */
  async query(text, parameters) {
    for (const deadline = Date.now() + convergence_ms_max; ; await delay(50)) {
      try {
        return (await this.pool.query(text, parameters)).rows;
      } catch (error) {
        if (!isOutage(error) || Date.now() > deadline) throw error;
      }
    }
  }

  async deploy(number) {
    const config = createConfig(this.world, this.seed, number);
    this.configs.set(number, config);
    await this.query('SELECT brigade.deploy($1)', [config.yaml]);
  }

  #addClient(n, identities) {
    const random = this.seed.fork(`client ${n}`);
    this.clients.push(new FastClient({
      name: `client ${n}`, identity: random.pick(identities), ledger: this.ledger, random,
      machine: this.machine, form: this.bug ? plain : anyForm(random.fork('form')),
      credit: this.bug ? 0 : random.fork('credit').pick([0, 0, 0, 1, 10]),
      url: () => random.pick(this.services).url,
      onCheckpoint: (client, checkpoint) => this.checker.check(client, checkpoint),
      onFailure: (client, error) => this.fail(client, error.stack),
    }));
  }

  async #openSdks(identities) {
    const random = this.seed.fork('SDKs');
    for (let n = 0; n < this.sdkCount; n++) {
      this.sdks.push(await SdkClient.open({ name: `SDK ${n}`, identity: random.pick(identities),
        transport: random.fork(n).pick(Object.keys(transports)),
        url: () => random.pick(this.services).url }));
    }
  }

  #writer(name) {
    const { pool, world, notes } = this;
    return new Writer({ pool, world, notes, random: this.seed.fork(name),
      pause_ms: this.pauseMs, hold: () => this.#hold() });
  }

  /** Writers wait here while they are held, and while the checks are behind. */
  async #hold() {
    this.#idleWriters++;
    while (!this.#isOver && (this.#isHeld || this.checker.backlog > backlog_max)) await delay(10);
    this.#idleWriters--;
  }

  /** Clients write, ask for a write checkpoint, and must see their row when it is acknowledged. */
  async #upload() {
    const random = this.seed.fork('uploads');
    const writer = this.#writer('uploads');
    while (!this.#isOver) {
      await this.#hold();
      const client = random.pick(this.clients);
      const statements = [new Statements(this.world, random).put(random.pick(this.world.tables))];
      const version = await writer.attempt({ statements });
      if (version !== null) await client.awaitVersion(version);
      await delay(random.between(0, 5 * this.pauseMs));
    }
  }

  fail(client, message) {
    if (this.failure) return;
    this.failure = new Failure(`${client?.name ?? 'the run'}: ${message}\n` +
      `faults so far: ${this.suffered.join(', ')}`);
    if (!this.reports) return;
    this.reported = writeReport(this, client).catch((error) => this.say(`no report: ${error}`));
  }

  /** The number of the config in force, or null while one is in preparation. */
  async #activeConfig() {
    const [{ yaml, state }] = await this.query(
      'SELECT yaml, state FROM brigade.sync_config ORDER BY id DESC LIMIT 1');
    if (state === 'errored') throw new Error('a deploy failed');
    return state === 'active' ? configNumber(Object.keys(JSON.parse(yaml).streams)) : null;
  }

  /** Holds the writers until every client shows the newest version and config, and has got its
   * write checkpoints; fails if one never does. */
  async converge() {
    const deadline = new Deadline(() => this.#processes(), convergence_ms_max);
    this.#isHeld = true;
    while (!this.failure && this.#idleWriters <= this.writers.length) {
      if (deadline.passed) this.fail(null, 'writers hang');
      await delay(5);
    }
    let active;
    while ((active = await this.#activeConfig()) === null && !this.failure) {
      if (deadline.passed) this.fail(null, 'a deploy never ends');
      await delay(20);
    }
    const [{ version }] = await this.query(
      'UPDATE oracle_clock SET version = version + 1 RETURNING version');
    const isBehind = (client) => client.version < Number(version) || client.version === null ||
      client.config !== active || client.awaited.length > 0;
    while (!this.failure && this.clients.some(isBehind)) {
      if (deadline.passed) this.#failLate(this.clients.find(isBehind), version, active, deadline);
      await delay(5);
    }
    await Promise.all([...this.clients, ...this.sdks].map((client) =>
      this.#settle(client, Number(version), active, deadline)));
    await this.checker.idle();
    const [error] = await this.query('SELECT table_name, row_key, reason FROM brigade.errors');
    if (error) this.fail(null, `a row could not be processed: ${JSON.stringify(error)}`);
    if (this.failure) throw this.failure;
    await this.query(forgetSql(this.world, version));
    this.notes.settle();
    this.#isHeld = false;
    return deadline;
  }

  #processes() {
    return [process.pid, this.server.postmaster(),
      ...this.sidecars.map((sidecar) => sidecar.process.pid)];
  }

  /** Waits until the client shows all that it has to. */
  async #settle(client, version, number, deadline) {
    const expected = await this.checker.expectation(this.configs.get(number), version,
      client.identity);
    for (let wrong; !this.failure; await delay(20)) {
      if ((wrong = difference(await client.rows(), expected)).length === 0) return;
      if (deadline.passed) {
        this.fail(client, `not at version ${version} in ${deadline}:\n${wrong[0]}`);
      }
    }
  }

  #failLate(client, version, active, deadline) {
    this.fail(client, `at version ${client.version}, config ${client.config}, awaiting ${
      JSON.stringify(client.awaited)}, not at ${version} and ${active}, ${deadline} ` +
      `after all faults were healed; its last error: ${client.lastError}`);
  }

  /** Some faults one after the other, sometimes at once. */
  async #trouble(random, end) {
    const running = [];
    while (Date.now() < end && !this.failure && this.faults.length > 0) {
      await delay(random.between(0, 3000));
      const weights = Object.fromEntries(this.faults.map((name) => [name, nemeses[name][0]]));
      const name = random.weighted(weights);
      this.suffered.push(name);
      const fault = nemeses[name][1](this, random).catch((error) => {
        if (!isUnlucky(error)) this.fail(null, `${name}: ${error.stack}`);
      });
      running.push(fault);
      if (random.chance(0.7)) await fault;
    }
    await Promise.all(running);
  }

  /** Rounds of work, faults and convergence for `seconds`. */
  async work(seconds) {
    const end = Date.now() + seconds * 1000;
    for (let round = 0; Date.now() < end && !this.failure; round++) {
      const roundEnd = Math.min(end, Date.now() + round_ms);
      const random = this.seed.fork(`round ${round}`);
      const before = this.suffered.length;
      // The first round, and some others, are calm.
      if (round > 0 && random.chance(0.85)) await this.#trouble(random, roundEnd);
      while (Date.now() < roundEnd && !this.failure) await delay(50);
      const took = await this.converge();
      this.say(`${this.summary()}, converged in ${took} after [${
        this.suffered.slice(before).join(', ')}]`);
    }
    if (!this.failure) await this.#dismiss();
    if (this.failure) throw this.failure;
  }

  /** Everybody goes, and nothing must be left of them. */
  async #dismiss() {
    await this.#end();
    await checkResources(this);
  }

  #end() {
    this.ended ??= this.#endAll();
    return this.ended;
  }

  async #endAll() {
    this.#isOver = true;
    await this.working?.catch(() => {});
    await Promise.all([...this.clients, ...this.sdks].map((client) => client.stop()));
    await this.checker?.idle();
  }

  /** Whatever stops and starts the server is done one after the other. */
  exclusively(action) {
    const turn = this.#restarting.then(action);
    this.#restarting = turn.catch(() => {});
    return turn;
  }

  summary() {
    const sum = (list, name) => list.reduce((total, one) => total + one[name], 0);
    return `${sum(this.writers, 'committed')} transactions (${sum(this.writers, 'refused')} ` +
      `refused), ${this.checker.checked} checkpoints of ${this.checker.versions.size} versions ` +
      `compared, ${sum(this.clients, 'connections')} connections`;
  }

  async stop() {
    await this.reported;
    await this.#end();
    await Promise.all(this.sidecars.map((sidecar) => sidecar.stop()));
    for (const link of this.links) link.close();
    if (this.bug) for (const saboteur of this.services) saboteur.close();
    await this.pool?.end();
    await this.server?.stop();
    this.machine?.close();
  }
}

/** Runs a world for `seconds`; what was wrong, with the faults it suffered, or null. */
export async function failureOf(options, seconds) {
  const run = new Run(options);
  const start = Date.now();
  try {
    await run.start();
    await run.work(seconds);
    return null;
  } catch (error) {
    return Object.assign(run.failure ?? error,
      { suffered: run.suffered, seconds: (Date.now() - start) / 1000 });
  } finally {
    await run.stop();
  }
}
