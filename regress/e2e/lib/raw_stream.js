import { signToken } from './token.js';

/** A sync stream read line by line, for what an SDK does not show: which operations came, and which
 * buckets each checkpoint had. */
export class RawStream {
  /** `streams` is that of the request: {include_defaults, subscriptions}. */
  static async open(sidecar, user, streams) {
    const stream = new RawStream();
    stream.abort = new AbortController();
    const response = await fetch(`${sidecar.url}/sync/stream`, {
      method: 'POST',
      headers: {
        authorization: `Token ${signToken(user)}`,
        'content-type': 'application/json',
        accept: 'application/x-ndjson',
      },
      body: JSON.stringify({ buckets: [], raw_data: true, include_checksum: true, streams }),
      signal: stream.abort.signal,
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    stream.reading = stream.#read(response.body);
    return stream;
  }

  #firstComplete = Promise.withResolvers();
  /** Resolves with the first completed checkpoint, or the end of the stream. */
  firstComplete = this.#firstComplete.promise;
  operations = 0;
  /** Data of the newest operation, JSON text. */
  newest = '';
  completed = 0;
  ended = false;
  /** Which buckets the newest checkpoint has. */
  buckets = new Set();
  /** One for each checkpoint announced: its definitions, sorted. */
  checkpoints = [];

  async #read(body) {
    let text = '';
    try {
      for await (const bytes of body.pipeThrough(new TextDecoderStream())) {
        const lines = (text + bytes).split('\n');
        text = lines.pop();
        for (const line of lines) this.#take(JSON.parse(line));
      }
    } catch (error) {
      if (error.name !== 'AbortError') this.error = error;
    }
    this.ended = true;
    this.#firstComplete.resolve();
  }

  #take({ checkpoint, checkpoint_diff: diff, data, checkpoint_complete: complete }) {
    if (checkpoint) this.buckets = new Set(checkpoint.buckets.map(({ bucket }) => bucket));
    for (const name of diff?.removed_buckets ?? []) this.buckets.delete(name);
    for (const { bucket } of diff?.updated_buckets ?? []) this.buckets.add(bucket);
    if (checkpoint || diff) this.checkpoints.push(this.#definitions());
    if (data) {
      this.operations += data.data.length;
      this.newest = data.data.at(-1)?.data ?? '';
    }
    if (!complete) return;
    this.completed++;
    this.#firstComplete.resolve();
  }

  /** Names of buckets without their parameters: 1#lists|0 of 1#lists|0["anna"]. */
  #definitions() {
    const names = [...this.buckets].map((name) => name.slice(0, name.indexOf('[')));
    return [...new Set(names)].sort().join(' ');
  }

  /** Which sets of definitions checkpoints had, each once for as long as it stayed. */
  changes() {
    return this.checkpoints.filter((set, i) => set !== this.checkpoints[i - 1]);
  }

  async close() {
    this.abort.abort();
    await this.reading;
  }
}
