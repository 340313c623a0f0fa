// What a client keeps of its buckets, by the rules of the protocol, and the protocol's own promises
// checked on the way. No I/O: lines go in.

const kinds = ['checkpoint', 'checkpoint_diff', 'data', 'checkpoint_complete',
  'partial_checkpoint_complete', 'token_expires_in'];

const lowestPriority = 3;

const signed = (checksum) => checksum | 0;

/** A bucket's operations, reduced: what a client's SQLite holds of it. */
class Bucket {
  position = 0; // Everything up to here has been received.
  checksum = 0;
  entries = new Map(); // By type, id and subkey.

  apply(operation) {
    if (operation.position <= this.position) {
      throw new Error(`op id ${operation.position} after ${this.position}`);
    }
    this.position = operation.position;
    if (operation.op === 'CLEAR') {
      this.entries.clear();
      this.checksum = 0;
    }
    this.checksum = (this.checksum + operation.checksum) % 2 ** 32;
    if (operation.op === 'PUT') this.entries.set(operation.key, operation);
    if (operation.op === 'REMOVE') this.entries.delete(operation.key);
  }
}

export class StreamState {
  #target = null; // The checkpoint that is being downloaded.
  #isOver = false; // The stream, with its token.
  #ledger;
  #completed = 0;
  buckets = new Map();

  constructor(ledger) {
    this.#ledger = ledger;
  }

  /** For the request of a new stream. */
  positions() {
    this.#target = null;
    this.#isOver = false;
    return [...this.buckets].map(([name, { position }]) => ({ name, after: String(position) }));
  }

  /** Takes a line; the checkpoint if it completes one: {opId, writeCheckpoint, streams}. */
  take(line) {
    const names = Object.keys(line);
    if (this.#isOver) throw new Error('a line after the end of the token');
    if (names.length !== 1 || !kinds.includes(names[0])) throw new Error('not a line of a stream');
    const [kind] = names;
    const content = line[kind];
    if (kind === 'checkpoint') return this.#checkpoint(content);
    if (kind === 'token_expires_in') {
      this.#isOver = content === 0;
      return null;
    }
    if (!this.#target) throw new Error(`${kind} before a checkpoint`);
    if (kind === 'checkpoint_diff') return this.#diff(content);
    if (kind === 'data') return this.#data(content);
    return this.#complete(content, kind === 'checkpoint_complete');
  }

  #checkpoint({ last_op_id, write_checkpoint, buckets, streams }) {
    this.#target = {
      streams: streams.map(({ name }) => name),
      buckets: new Map(),
    };
    this.#aim(last_op_id, write_checkpoint);
    for (const bucket of buckets) {
      if (this.#target.buckets.has(bucket.bucket)) throw new Error(`twice: ${bucket.bucket}`);
      this.#want(bucket);
    }
    for (const name of this.buckets.keys()) {
      if (!this.#target.buckets.has(name)) this.buckets.delete(name);
    }
    const errors = streams.flatMap((stream) => stream.errors);
    if (errors.length > 0) throw new Error(`errors of streams: ${JSON.stringify(errors)}`);
    return null;
  }

  #aim(opId, writeCheckpoint) {
    const position = Number(opId);
    if (position < this.#completed) throw new Error(`back from ${this.#completed} to ${position}`);
    Object.assign(this.#target, { opId: position,
      writeCheckpoint: writeCheckpoint === undefined ? null : Number(writeCheckpoint) });
  }

  #want({ bucket: name, checksum, count, priority, subscriptions }) {
    if (checksum !== signed(checksum)) throw new Error(`checksum ${checksum} of ${name}`);
    if (!(subscriptions?.length > 0)) throw new Error(`nobody asked for ${name}`);
    this.#target.buckets.set(name, { checksum, count, priority });
    if (!this.buckets.has(name)) this.buckets.set(name, new Bucket());
  }

  #diff({ last_op_id, write_checkpoint, removed_buckets, updated_buckets }) {
    this.#aim(last_op_id, write_checkpoint);
    for (const name of removed_buckets) {
      if (!this.#target.buckets.delete(name)) throw new Error(`removes unknown ${name}`);
      this.buckets.delete(name);
    }
    for (const bucket of updated_buckets) {
      if (removed_buckets.includes(bucket.bucket)) throw new Error(`removed too: ${bucket.bucket}`);
      this.#want(bucket);
    }
    return null;
  }

  #data({ bucket: name, after, data, next_after }) {
    const bucket = this.buckets.get(name);
    if (!bucket) throw new Error(`data of ${name}, which is not in the checkpoint`);
    // A completed checkpoint moves a client's position on; the service may count from the last
    // operation it sent. It may skip operations that a CLEAR stands for now.
    if (Number(after) > bucket.position && data[0]?.op !== 'CLEAR') {
      throw new Error(`data of ${name} after ${after}, not ${bucket.position}`);
    }
    for (const operation of data) {
      if (Number(operation.op_id) > this.#target.opId) {
        throw new Error(`operation ${operation.op_id} of ${name} is beyond ${this.#target.opId}`);
      }
      bucket.apply(this.#ledger.record(name, operation));
    }
    if (Number(next_after) < bucket.position) throw new Error(`next_after ${next_after}: ${name}`);
    bucket.position = Number(next_after);
    return null;
  }

  #complete({ last_op_id, priority = lowestPriority }, whole) {
    const target = this.#target;
    if (Number(last_op_id) !== target.opId) throw new Error(`completes ${last_op_id}`);
    for (const [name, wanted] of target.buckets) {
      if (!whole && wanted.priority > priority) continue;
      this.#verify(name, wanted);
    }
    if (!whole) return null;
    this.#completed = target.opId;
    for (const bucket of this.buckets.values()) bucket.position = target.opId;
    const { opId, writeCheckpoint, streams } = target;
    return { opId, writeCheckpoint, streams };
  }

  #verify(name, { checksum }) {
    const bucket = this.buckets.get(name);
    if (signed(bucket.checksum) !== checksum) {
      throw new Error(`checksum of ${name}: announced ${checksum}, received ${
        signed(bucket.checksum)}`);
    }
  }

  /** The rows a client shows now: by `type id`, each with all its copies in buckets. */
  rows() {
    const rows = new Map();
    for (const [name, { entries }] of this.buckets) {
      for (const { object, row } of entries.values()) {
        const copies = rows.get(object);
        if (copies) copies.push({ bucket: name, row });
        else rows.set(object, [{ bucket: name, row }]);
      }
    }
    return rows;
  }
}
