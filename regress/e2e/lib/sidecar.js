import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import { repository } from './paths.js';
import { audience, secret } from './token.js';

/** BRIGADE_SIDECAR is another build of it, such as one with sanitizers. */
export const program = process.env.BRIGADE_SIDECAR ??
  join(repository, 'build/cmake/sidecar/brigade-sidecar');

/** A service.yaml (JSON is YAML) for the database at `uri`. */
export const configuration = (uri) => ({
  replication: { connections: [{ type: 'postgresql', uri }] },
  client_auth: {
    jwks: { keys: [{ kty: 'oct', alg: 'HS256', kid: 'tests', k: secret.toString('base64url') }] },
    audience: [audience],
  },
});

/** The real brigade-sidecar program, on a port of its own that it keeps over restarts. */
export class Sidecar {
  /** `config` is its service.yaml, as an object or the path of a file; `flags` are further words of
   * its command line, and `env` is its environment. */
  static async start(server, { config = configuration(server.uri), flags = [], env } = {}) {
    const sidecar = new Sidecar();
    sidecar.port = 0; // Any free one, the first time.
    sidecar.scheme = flags.includes('--tls-certificate') ? 'https' : 'http';
    sidecar.flags = flags;
    sidecar.env = env;
    sidecar.directory = await mkdtemp(join(tmpdir(), 'pg_brigade-sidecar.'));
    sidecar.configurationFile = join(sidecar.directory, 'service.yaml');
    sidecar.output = [];
    if (typeof config === 'string') {
      sidecar.configurationFile = config;
    } else {
      await sidecar.configure(config);
    }
    try {
      await sidecar.launch();
    } catch (error) {
      await rm(sidecar.directory, { recursive: true });
      throw error;
    }
    return sidecar;
  }

  /** Writes its service.yaml, which it reads when it is launched, and at SIGHUP. */
  configure(config) {
    return writeFile(this.configurationFile, JSON.stringify(config, null, 2));
  }

  async launch() {
    this.process = spawn(program, ['--config', this.configurationFile, '--host', '127.0.0.1',
      '--port', this.port, ...this.flags], { stdio: ['ignore', 'pipe', 'pipe'], env: this.env });
    this.#collect();
    const exited = once(this.process, 'exit').then(([code, signal]) => {
      throw new Error(`brigade-sidecar ended (${code ?? signal}):\n${this.output.join('\n')}`);
    });
    exited.catch(() => {}); // Only a sidecar that ends before it listens is an error here.
    const listening = this.says(/listening on .*:(\d+)/, { from: this.output.length });
    [, this.port] = await Promise.race([listening, exited]);
    this.url = `${this.scheme}://127.0.0.1:${this.port}`;
  }

  #collect() {
    for (const stream of [this.process.stdout, this.process.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.output.push(line);
        this.lines.emit('line', line);
      });
    }
  }

  lines = new EventEmitter().setMaxListeners(0);

  /** Resolves with the first match of `pattern` in a line of output, from line `from` on. */
  says(pattern, { from = 0, timeout_ms = 30_000 } = {}) {
    const known = this.output.slice(from).map((line) => pattern.exec(line)).find(Boolean);
    if (known) return known;
    return new Promise((resolve, reject) => {
      const stop = (settle, value) => {
        clearTimeout(timer);
        this.lines.off('line', look);
        settle(value);
      };
      const look = (line) => {
        const match = pattern.exec(line);
        if (match) stop(resolve, match);
      };
      const timer = setTimeout(() => stop(reject, new Error(
        `not said within ${timeout_ms} ms: ${pattern}\n${this.output.slice(-20).join('\n')}`)),
      timeout_ms).unref();
      this.lines.on('line', look);
    });
  }

  /** 200 if it is ready to serve clients, else 400. */
  async readiness() {
    return (await fetch(`${this.url}/probes/readiness`)).status;
  }

  /** Resolves when the readiness probe answers `status`. */
  async untilReadiness(status, timeout_ms = 15_000) {
    for (const deadline = Date.now() + timeout_ms; ; await delay(20)) {
      if (await this.readiness() === status) return;
      if (Date.now() > deadline) throw new Error(`readiness is not ${status} in ${timeout_ms} ms`);
    }
  }

  async end(signal) {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill(signal);
    const [code] = await exited;
    if (signal === 'SIGTERM' && code !== 0) {
      throw new Error(`brigade-sidecar ended with ${code}:\n${this.output.slice(-50).join('\n')}`);
    }
  }

  /** Ends it for good. */
  async stop() {
    await this.end('SIGTERM');
    await rm(this.directory, { recursive: true });
  }

  async restart(signal) {
    await this.end(signal);
    await this.launch();
  }
}
