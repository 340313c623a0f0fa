import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';

import { column, Schema, Table } from '@powersync/common';
import pg from 'pg';

import { columns, visible } from '../shapes/visible.js';
import { Client } from './client.js';
import { repository } from './paths.js';
import { Server } from './server.js';
import { Sidecar } from './sidecar.js';
import { signToken } from './token.js';

const folder = join(repository, 'regress/e2e/shapes');
const { INT4, TEXT } = pg.types.builtins;
const columnOf = { [INT4]: column.integer, [TEXT]: column.text };

const parametersOf = ({ user, claims, parameters, opened }) =>
  [user, JSON.stringify(claims), JSON.stringify(parameters), JSON.stringify(opened)];

/** Postgres, sidecar and clients with the music school and all query shapes deployed. */
export class School {
  static async start() {
    const school = new School();
    school.clients = [];
    school.server = await Server.start();
    try {
      await school.server.runFile(folder, 'schema.sql');
      await school.server.query('CREATE EXTENSION pg_brigade');
      school.schema = await school.#clientSchema();
    } catch (error) {
      await school.stop();
      throw error;
    }
    return school;
  }

  async deploy() {
    const config = await readFile(join(folder, 'sync-config.yaml'), 'utf8');
    await this.server.query('SELECT brigade.deploy($1)', [config]);
    this.sidecar = await Sidecar.start(this.server);
  }

  // The columns of the queries of visible.js, which the client's tables have, too.
  async #clientSchema() {
    const tables = {};
    for (const [table, query] of columns) {
      const { fields } = await this.server.pool.query(query, [null, '{}', '{}', '{}']);
      tables[table] = new Table(Object.fromEntries(fields.slice(1).map(({ name, dataTypeID }) => {
        assert.ok(columnOf[dataTypeID], `${table}.${name} must be text or int`);
        return [name, columnOf[dataTypeID]];
      })));
    }
    return new Schema(tables);
  }

  /** A client of a user of this description, subscribed to what the user has opened. */
  async open({ user, claims, parameters, opened }) {
    const client = await Client.open(user, {
      ...this, connect: { params: parameters }, token: () => signToken(user, { claims }) });
    this.clients.push(client);
    Object.assign(client, { claims, parameters, opened });
    for (const course of opened.courses) {
      await client.db.syncStream('opened_course', { course }).subscribe();
      await client.db.syncStream('opened_details', { course }).subscribe();
    }
    for (const lesson of opened.lessons) {
      await client.db.syncStream('opened_remarks', { lesson }).subscribe();
    }
    return client;
  }

  /** Runs statements in one transaction. */
  async commit(statements) {
    const connection = await this.server.pool.connect();
    try {
      await connection.query('BEGIN');
      for (const [text, parameters] of statements) await connection.query(text, parameters);
      await connection.query('COMMIT');
    } finally {
      connection.release();
    }
  }

  /** What `client` should hold now: rows by table. */
  async expected(client) {
    const tables = await this.server.query(visible, parametersOf(client));
    return Object.fromEntries(tables.map(({ table, rows }) => [table, rows]));
  }

  /** Resolves with what `client` holds when that is exactly what it should. */
  async inSync(client) {
    const expected = await this.expected(client);
    const differing = async () => {
      for (const table of client.tables) {
        if (!isDeepStrictEqual(await client.rows(table), expected[table])) return table;
      }
    };
    await client.until(async () => await differing() === undefined).catch(async (error) => {
      const table = await differing();
      assert.deepEqual(await client.rows(table), expected[table], `${table}: ${error.message}`);
      throw error;
    });
    return expected;
  }

  async stop() {
    for (const client of this.clients) await client.close();
    await this.sidecar?.end('SIGTERM');
    await this.server.stop();
  }
}
