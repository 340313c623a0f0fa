import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { Schema } from '@powersync/common';
import { PowerSyncDatabase } from '@powersync/node';

import { transports } from './client.js';

/** The SDK as published, for tables it knows nothing of: it keeps rows as they came. */
export class BareClient {
  /** `url()` and `token()` are asked at each connect. `subscriptions`: [{stream, parameters}]. */
  static async open({ url, token, parameters, subscriptions, transport = 'http-bson' }) {
    const client = new BareClient();
    const { remoteOptions, connect } = transports[transport];
    client.directory = await mkdtemp(join(tmpdir(), 'pg_brigade-client.'));
    client.db = new PowerSyncDatabase({
      schema: new Schema({}),
      remoteOptions,
      database: {
        dbFilename: `${basename(client.directory)}.sqlite`,
        dbLocation: client.directory,
        implementation: { type: 'node:sqlite' },
      },
      logger: { log: () => {} },
    });
    for (const { stream, parameters: own } of subscriptions) {
      await client.db.syncStream(stream, own).subscribe();
    }
    await client.db.connect({
      fetchCredentials: async () => ({ endpoint: url(), token: token() }),
      uploadData: async () => {},
    }, { retryDelayMs: 200, params: parameters, ...connect });
    return client;
  }

  /** [{type, id, data}] of everything that was synced; `data` is JSON text. */
  rows() {
    return this.db.getAll('SELECT type, id, data FROM ps_untyped');
  }

  async close() {
    await this.db.close();
    await rm(this.directory, { recursive: true });
  }
}
