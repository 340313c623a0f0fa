import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import {
  column, LogLevels, Schema, SyncStreamConnectionMethod, Table,
} from '@powersync/common';
import { PowerSyncDatabase } from '@powersync/node';

import { applyUpload } from './backend.js';
import { signToken } from './token.js';

const todoSchema = new Schema({
  lists: new Table({ owner_id: column.text, name: column.text, created_at: column.text }),
  todos: new Table({
    list_id: column.text,
    description: column.text,
    completed: column.integer,
    created_at: column.text,
  }),
  settings: new Table({ value: column.text }),
});
export const tables = Object.keys(todoSchema.props);

// The SDK prefers BSON. Other SDKs ask for NDJSON, which this one understands as well.
const fetchNdjson = (resource, request) => fetch(resource, {
  ...request,
  headers: {
    ...request.headers,
    ...(request.headers.accept && { accept: 'application/x-ndjson' }),
  },
});

/** The ways a client can be told to sync, by the name that the sidecar logs them with. */
export const transports = {
  'http-bson': {},
  'http-ndjson': { remoteOptions: { customFetch: fetchNdjson } },
  websocket: { connect: { connectionMethod: SyncStreamConnectionMethod.WEB_SOCKET } },
};

/** One user's device: the SDK as published, with a SQLite database of its own. */
export class Client {
  static async open(user, {
    server, sidecar, schema = todoSchema, transport = 'http-bson', connect = {}, token = signToken,
  }) {
    const client = new Client();
    const { remoteOptions, connect: connectByTransport } = transports[transport];
    client.user = user;
    client.tables = Object.keys(schema.props);
    client.directory = await mkdtemp(join(tmpdir(), 'pg_brigade-client.'));
    client.log = [];
    client.db = new PowerSyncDatabase({
      schema,
      remoteOptions,
      database: {
        // The SDK lets one connection a file name sync at a time, whatever the folder.
        dbFilename: `${basename(client.directory)}.sqlite`,
        dbLocation: client.directory,
        implementation: { type: 'node:sqlite' },
      },
      logger: {
        log: ({ level, message, error }) => {
          if (level >= LogLevels.info) client.log.push(`${message} ${error ?? ''}`);
        },
      },
    });
    client.connector = {
      fetchCredentials: async () => ({ endpoint: sidecar.url, token: token(user) }),
      uploadData: async (db) => {
        for (let next; (next = await db.getNextCrudTransaction()); await next.complete()) {
          await applyUpload(server.pool, next);
        }
      },
    };
    client.options = { retryDelayMs: 200, crudUploadThrottleMs: 10,
      ...connectByTransport, ...connect };
    await client.reconnect();
    return client;
  }

  reconnect() {
    return this.db.connect(this.connector, this.options);
  }

  rows(table) {
    return this.db.getAll(`SELECT * FROM ${table} ORDER BY id`);
  }

  /** Resolves with the first true value of `condition(client)`, which is tried after every change
   * of the database or of the connection's state; fails after `timeout_ms`. */
  async until(condition, timeout_ms = 15_000) {
    const { promise, resolve, reject } = Promise.withResolvers();
    // One at a time: what changes meanwhile is looked at once more, however often it changes.
    let running = false;
    let changed = false;
    const attempt = async () => {
      changed = true;
      if (running) return;
      running = true;
      try {
        while (changed) {
          changed = false;
          const value = await condition(this);
          if (value) return resolve(value);
        }
      } catch (error) {
        reject(error);
      } finally {
        running = false;
      }
    };
    const stopWatching = this.db.onChange({ onChange: attempt },
      { tables: this.tables, throttleMs: 1 });
    const stopListening = this.db.registerListener({ statusChanged: attempt });
    const timer = setTimeout(() => reject(this.#timeout(condition, timeout_ms)), timeout_ms);
    try {
      await attempt();
      return await promise;
    } finally {
      clearTimeout(timer);
      stopWatching();
      stopListening();
    }
  }

  #timeout(condition, timeout_ms) {
    return new Error(`not within ${timeout_ms} ms: ${condition}\n` +
      `${this.user}'s log ends with:\n  ${this.log.slice(-10).join('\n  ')}`);
  }

  /** Resolves when everything written here has been uploaded. */
  uploaded(timeout_ms) {
    return this.until(async () => (await this.db.getUploadQueueStats()).count === 0, timeout_ms);
  }

  async close() {
    await this.db.close();
    await rm(this.directory, { recursive: true });
  }
}
