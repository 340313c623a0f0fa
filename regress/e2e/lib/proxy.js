import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Stands between clients and a sidecar, and can hold up what the sidecar sends. */
export class Proxy {
  static async start(sidecar) {
    const proxy = new Proxy();
    proxy.allowed = Infinity;
    proxy.connections = new Set();
    proxy.server = createServer((client) => proxy.#forward(client, connect(sidecar.port)));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  /** Lets `bytes` more through, to all clients together. Resolves when the rest is held up. */
  stallAfter(bytes) {
    this.allowed = bytes;
    const { promise, resolve } = Promise.withResolvers();
    this.onStall = resolve;
    return promise;
  }

  resume() {
    this.allowed = Infinity;
    for (const { upstream } of this.connections) upstream.resume();
  }

  #forward(client, upstream) {
    const connection = { client, upstream };
    this.connections.add(connection);
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      client.write(bytes);
      this.allowed -= bytes.length;
      if (this.allowed > 0) return;
      upstream.pause();
      this.onStall?.();
    });
    for (const [socket, other] of [[client, upstream], [upstream, client]]) {
      socket.on('error', () => {}); // The other end learns of it through 'close'.
      socket.on('close', () => {
        other.destroy();
        this.connections.delete(connection);
      });
    }
  }

  async stop() {
    for (const { client, upstream } of this.connections) {
      client.destroy();
      upstream.destroy();
    }
    this.server.close();
    await once(this.server, 'close');
  }
}
