import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { repository } from '../e2e/lib/paths.js';

const library = join(repository, 'build/faults.so');

/** The machine on which the processes under test run, as regress/lib/faults.c shows it to them:
 * all processes that are started from now on until close(), by this one or its children. */
export class Machine {
  #path = join(tmpdir(), `pg_brigade-faults.${randomUUID()}`);
  #file;
  clockAhead_s = 0;
  /** Of the clock. */
  jumps = 0;

  constructor() {
    if (!existsSync(library)) throw new Error(`${library} is missing: make oracle builds it`);
    this.#file = openSync(this.#path, 'w', 0o644);
    this.#write(0, 0);
    this.#write(1, 0);
    Object.assign(process.env, { LD_PRELOAD: library, BRIGADE_FAULTS: this.#path });
  }

  #write(position, value) {
    const bytes = new BigInt64Array([BigInt(value)]);
    writeSync(this.#file, bytes, 0, bytes.byteLength, position * bytes.byteLength);
  }

  /** What the sidecars' clocks say, in Unix seconds. */
  get now_s() {
    return Math.floor(Date.now() / 1000) + this.clockAhead_s;
  }

  /** Sets the clock: `ahead_s` from the true time. Postgres asks another clock. */
  setClock(ahead_s) {
    this.clockAhead_s = ahead_s;
    this.jumps++;
    this.#write(0, ahead_s);
  }

  /** Of so many attempts to make a file longer no more succeed: ENOSPC. */
  fillDisk(percent) {
    this.#write(1, percent);
  }

  close() {
    delete process.env.LD_PRELOAD;
    delete process.env.BRIGADE_FAULTS;
    closeSync(this.#file);
    rmSync(this.#path);
  }
}
