import { operationRow } from './values.js';

/** All operations any client was ever sent: an op id of a bucket means one thing for ever. */
export class Ledger {
  #operations = new Map();

  /** Remembers an operation and returns what it says: {op, position, checksum, key, object, row}.
   * Throws if the op id said something else before. Compaction may empty an operation (MOVE, with
   * the same checksum) or let it stand for all before it (CLEAR); a batch that was read before may
   * still be sent after. */
  record(bucket, operation) {
    const place = `${bucket} ${operation.op_id}`;
    const known = this.#operations.get(place);
    const text = JSON.stringify(operation);
    if (known?.text === text) return known;
    const entry = { text, op: operation.op, ...this.#meaning(operation) };
    if (operation.op === 'CLEAR') return entry;
    if (known && (entry.checksum !== known.checksum || (entry.key && known.key))) {
      throw new Error(`operation ${place} was ${known.text}\nand is now ${text}`);
    }
    if (!known?.key) this.#operations.set(place, entry);
    return entry;
  }

  #meaning(operation) {
    const { op_id, op, checksum, object_type: type, object_id: id, subkey, data } = operation;
    if (!Number.isInteger(checksum) || checksum < 0 || checksum >= 2 ** 32) {
      throw new Error(`operation ${op_id} has checksum ${checksum}`);
    }
    const meaning = { position: Number(op_id), checksum };
    if (op === 'MOVE' || op === 'CLEAR') return meaning;
    meaning.key = JSON.stringify([type, id, subkey]);
    meaning.object = `${type} ${id}`;
    if (op === 'PUT') meaning.row = operationRow(data);
    else if (op !== 'REMOVE' || data !== null) throw new Error(`odd operation ${op_id}`);
    if (op === 'PUT' && String(JSON.parse(data, exact).id) !== id) {
      throw new Error(`the object id ${id} of operation ${op_id} is not in its data: ${data}`);
    }
    return meaning;
  }
}

const exact = (name, value, { source }) => (typeof value === 'number' ? source : value);
