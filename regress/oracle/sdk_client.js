import { BareClient } from '../e2e/lib/bare_client.js';
import { signToken } from '../e2e/lib/token.js';
import { operationRow } from './values.js';

/** A published client SDK. It shows what has a high priority before the rest, so what it holds is
 * compared when everything has arrived, not at each checkpoint. */
export class SdkClient {
  static async open({ name, identity, url, transport }) {
    const client = new SdkClient();
    Object.assign(client, { name, identity, documents: [] });
    client.sdk = await BareClient.open({
      url, transport, parameters: identity.connection, subscriptions: identity.subscriptions,
      token: () => signToken(identity.user, { claims: identity.claims }),
    });
    return client;
  }

  /** As StreamState.rows(). */
  async rows() {
    const stored = await this.sdk.rows();
    return new Map(stored.map(({ type, id, data }) =>
      [`${type} ${id}`, [{ bucket: 'SQLite', row: operationRow(data) }]]));
  }

  stop() {
    return this.sdk.close();
  }
}
