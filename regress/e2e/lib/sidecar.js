import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { repository } from './paths.js';
import { audience, secret } from './token.js';

const program = join(repository, 'build/cmake/sidecar/brigade-sidecar');

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

// JSON is YAML.
const configuration = (server, port) => JSON.stringify({
  replication: { connections: [{ type: 'postgresql', uri: server.uri }] },
  port,
  client_auth: {
    jwks: { keys: [{ kty: 'oct', alg: 'HS256', kid: 'tests', k: secret.toString('base64url') }] },
    audience: [audience],
  },
}, null, 2);

/** The real brigade-sidecar program, on a port of its own that it keeps over restarts. */
export class Sidecar {
  static async start(server) {
    const sidecar = new Sidecar();
    sidecar.port = await freePort();
    sidecar.url = `http://127.0.0.1:${sidecar.port}`;
    sidecar.configurationFile = join(server.directory, 'sidecar.yaml');
    sidecar.output = [];
    await writeFile(sidecar.configurationFile, configuration(server, sidecar.port));
    await sidecar.launch();
    return sidecar;
  }

  async launch() {
    this.process = spawn(program, ['--config', this.configurationFile],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = once(this.process, 'exit').then(([code, signal]) => {
      throw new Error(`brigade-sidecar ended (${code ?? signal}):\n${this.output.join('\n')}`);
    });
    exited.catch(() => {}); // Only a sidecar that ends before it listens is an error here.
    await Promise.race([this.#saysIt(/listening/i), exited]);
  }

  #saysIt(pattern) {
    return new Promise((resolve) => {
      for (const stream of [this.process.stdout, this.process.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          this.output.push(line);
          if (pattern.test(line)) resolve();
        });
      }
    });
  }

  async end(signal) {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill(signal);
    await exited;
  }

  async restart(signal) {
    await this.end(signal);
    await this.launch();
  }
}
