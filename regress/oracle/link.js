import { once } from 'node:events';
import net from 'node:net';

/** A TCP connection's way to Postgres, which can be cut and stalled. */
export class Link {
  #pairs = new Set();
  #isStalled = false;

  /** To the server's Unix socket; `uri` is what to connect to instead. */
  static async open(directory) {
    const link = new Link();
    link.#server = net.createServer((near) => link.#join(near, `${directory}/.s.PGSQL.5432`));
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    const { port } = link.#server.address();
    link.uri = `postgresql://postgres@127.0.0.1:${port}/postgres`;
    return link;
  }

  #server;

  #join(near, path) {
    const far = net.connect(path);
    const pair = [near, far];
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        for (const one of pair) one.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
    if (this.#isStalled) this.#stall(pair);
  }

  #stall([near, far]) {
    near.unpipe(far);
    far.unpipe(near);
  }

  cut() {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Nothing passes in either direction until heal(). */
  stall() {
    this.#isStalled = true;
    for (const pair of this.#pairs) this.#stall(pair);
  }

  heal() {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    for (const [near, far] of this.#pairs) {
      near.pipe(far);
      far.pipe(near);
    }
  }

  close() {
    this.cut();
    this.#server.close();
  }
}
