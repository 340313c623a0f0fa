import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import pg from 'pg';

import { repository } from './paths.js';

const run = promisify(execFile);
const cluster = join(repository, 'regress/lib/cluster');

/** A throwaway Postgres server; see regress/lib/cluster. */
export class Server {
  static async start(...settings) {
    const { stdout } = await run(cluster, ['start', ...settings]);
    return new Server(stdout.trim());
  }

  /** A hot standby of `primary`. */
  static async standbyOf(primary) {
    const { stdout } = await run(cluster, ['standby', primary.directory]);
    return new Server(stdout.trim());
  }

  constructor(directory) {
    this.directory = directory;
    this.uri = `postgresql:///postgres?host=${directory}&user=postgres`;
    this.#openPool();
  }

  #openPool() {
    this.pool = this.openPool();
  }

  /** A pool of one's own, which outlives restarts of the server; `options` are those of pg.Pool. */
  openPool(options) {
    const pool = new pg.Pool({ host: this.directory, user: 'postgres', database: 'postgres',
      ...options });
    // A connection that ends while idle is no news here; one in use tells its query.
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    return pool;
  }

  /** The rows of one statement, or of the last of several statements without parameters. */
  async query(text, parameters) {
    const result = await this.pool.query(text, parameters);
    return (Array.isArray(result) ? result.at(-1) : result).rows;
  }

  async runFile(...path) {
    await this.query(await readFile(join(...path), 'utf8'));
  }

  /** Restarts as `pg_ctl restart -m mode` does; `immediate` is a crash with recovery. */
  async restart(mode) {
    await run(cluster, ['restart', this.directory, mode]);
    await this.#reopen();
  }

  /** Stops it; `restart` starts it again. */
  async halt() {
    await this.pool.end();
    await run(cluster, ['halt', this.directory]);
    this.#openPool();
  }

  /** The id of its process; undefined if it has none, or says so no more. */
  postmaster() {
    try {
      return Number.parseInt(
        readFileSync(join(this.directory, 'data/postmaster.pid'), 'utf8'), 10);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    }
  }

  /** Kills the whole server, as a machine that fails does: nobody is told. */
  async kill() {
    process.kill(this.postmaster(), 'SIGKILL');
    await this.pool.end();
    this.#openPool();
  }

  async promote() {
    await run(cluster, ['promote', this.directory]);
  }

  /** Resolves when this standby has replayed all that `primary` has written. */
  async caughtUpWith(primary) {
    const [{ lsn }] = await primary.query('SELECT pg_current_wal_lsn()::text AS lsn');
    for (const deadline = Date.now() + 30_000; ; await delay(10)) {
      const [{ caught_up }] = await this.query(
        'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS caught_up', [lsn]);
      if (caught_up) return;
      if (Date.now() > deadline) throw new Error(`the standby does not reach ${lsn}`);
    }
  }

  async workerPid() {
    const [worker] = await this.query(
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_brigade worker'`);
    return worker?.pid;
  }

  /** The process of the worker; waits until there is one: a sidecar starts it after a restart. */
  async runningWorker() {
    for (;;) {
      const pid = await this.workerPid();
      if (pid !== undefined) return pid;
      await delay(20);
    }
  }

  /** Kills the background worker as the kernel would for want of memory, and waits until Postgres,
   * which then restarts all its processes, is back. */
  async killWorker() {
    const pid = await this.runningWorker();
    const client = await this.pool.connect();
    const disconnected = once(client, 'error');
    process.kill(pid, 'SIGKILL');
    await disconnected;
    client.release(true);
    await this.#reopen();
    return pid;
  }

  async #reopen() {
    await this.pool.end();
    this.#openPool();
    // The server announces the end of its recovery to nobody, so ask until it answers.
    for (const deadline = Date.now() + 30_000; ; ) {
      try {
        return await this.query('SELECT 1');
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await delay(20);
      }
    }
  }

  async log() {
    return readFile(join(this.directory, 'log'), 'utf8');
  }

  async stop() {
    await this.pool.end();
    await run(cluster, ['stop', this.directory]);
  }
}
