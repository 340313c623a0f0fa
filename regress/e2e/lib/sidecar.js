import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { repository } from './paths.js';
import { audience, secret } from './token.js';

const program = join(repository, 'build/cmake/sidecar/brigade-sidecar');

// JSON is YAML.
const configuration = (server) => JSON.stringify({
  replication: { connections: [{ type: 'postgresql', uri: server.uri }] },
  client_auth: {
    jwks: { keys: [{ kty: 'oct', alg: 'HS256', kid: 'tests', k: secret.toString('base64url') }] },
    audience: [audience],
  },
}, null, 2);

/** The real brigade-sidecar program, on a port of its own that it keeps over restarts. */
export class Sidecar {
  static async start(server) {
    const sidecar = new Sidecar();
    sidecar.port = 0; // Any free one, the first time.
    sidecar.configurationFile = join(server.directory, 'sidecar.yaml');
    sidecar.output = [];
    await writeFile(sidecar.configurationFile, configuration(server));
    await sidecar.launch();
    return sidecar;
  }

  async launch() {
    this.process = spawn(program,
      ['--config', this.configurationFile, '--host', '127.0.0.1', '--port', this.port],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = once(this.process, 'exit').then(([code, signal]) => {
      throw new Error(`brigade-sidecar ended (${code ?? signal}):\n${this.output.join('\n')}`);
    });
    exited.catch(() => {}); // Only a sidecar that ends before it listens is an error here.
    [, this.port] = await Promise.race([this.#says(/listening on .*:(\d+)/), exited]);
    this.url = `http://127.0.0.1:${this.port}`;
  }

  /** The first match of `pattern` in a line of output. */
  #says(pattern) {
    return new Promise((resolve) => {
      for (const stream of [this.process.stdout, this.process.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          this.output.push(line);
          const match = pattern.exec(line);
          if (match) resolve(match);
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
