import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { Client, tables } from './client.js';
import { example } from './paths.js';
import { Server } from './server.js';
import { Sidecar } from './sidecar.js';

const timestamp = `to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                   AS created_at`;

// What a user may see, said once more in plain SQL.
const visible = {
  lists: `SELECT id::text, owner_id, name, ${timestamp} FROM lists WHERE owner_id = $1`,
  todos: `SELECT id::text, list_id::text, description, completed::int, ${timestamp} FROM todos
          WHERE list_id IN (SELECT id FROM lists WHERE owner_id = $1)`,
  settings: `SELECT id, value FROM settings WHERE $1 <> ''`,
};

/** Postgres, sidecar and clients with the to-do example deployed. */
export class Todo {
  static async start() {
    const todo = new Todo();
    todo.clients = [];
    todo.server = await Server.start();
    try {
      await todo.server.runFile(example, 'schema.sql');
      await todo.server.runFile(example, 'data.sql');
      await todo.server.query('CREATE EXTENSION pg_brigade');
      await todo.deployExample();
      todo.sidecar = await Sidecar.start(todo.server);
    } catch (error) {
      await todo.stop();
      throw error;
    }
    return todo;
  }

  async deployExample() {
    return this.deploy(await readFile(join(example, 'sync-config.yaml'), 'utf8'));
  }

  deploy(yaml) {
    return this.server.query('SELECT brigade.deploy($1)', [yaml]);
  }

  /** Opens a client of `user`; `options` are those of Client.open. */
  async open(user, options) {
    const client = await Client.open(user, { ...this, ...options });
    this.clients.push(client);
    return client;
  }

  /** Resolves when all that is committed now is stored: that is what an acknowledged write
   * checkpoint says. */
  async stored() {
    const [{ id }] = await this.server.query(
      `SELECT brigade.create_write_checkpoint('tests', 'tests') AS id`);
    for (const deadline = Date.now() + 30_000; ; await delay(5)) {
      const [{ acknowledged }] = await this.server.query(`
        SELECT (brigade.resolve('{"user_id": "tests", "client_id": "tests", "token": {},
          "connection_parameters": {}, "include_defaults": false, "subscriptions": []}')
          ->> 'write_checkpoint')::bigint AS acknowledged`);
      if (Number(acknowledged) >= Number(id)) return;
      assert.ok(Date.now() < deadline, 'what was committed is never stored');
    }
  }

  /** The rows of `table` that `user` should have. */
  expected(user, table) {
    return this.server.query(`${visible[table]} ORDER BY id::text COLLATE "C"`, [user]);
  }

  /** Resolves when `client` holds exactly the rows its user may see in Postgres now. */
  async inSync(client, timeout_ms) {
    for (const table of tables) {
      const expected = await this.expected(client.user, table);
      await client
        .until(async () => isDeepStrictEqual(await client.rows(table), expected), timeout_ms)
        .catch(async (error) => {
          assert.deepEqual(await client.rows(table), expected, `${table}: ${error.message}`);
          throw error;
        });
    }
  }

  async stop() {
    for (const client of this.clients) await client.close();
    await this.sidecar?.stop();
    await this.server.stop();
  }
}
