// The forms a stream comes in: text lines or BSON documents, compressed or not.
import { pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

import { deserialize } from 'bson';

const bsonType = 'application/vnd.powersync.bson-stream';
const decompressors = { gzip: createGunzip, zstd: createZstdDecompress };
const lengthSize = 4;

/** The service broke its word: a finding, unlike a connection that was cut. */
export class BrokenPromise extends Error {}

/** Headers of a request, of which most of all say what form is wanted. */
export const plain = { accept: 'application/x-ndjson' };
export const anyForm = (random) => ({
  accept: random.pick(['application/x-ndjson', bsonType]),
  'accept-encoding': random.pick(['identity', 'gzip', 'zstd']),
});

async function* lines(stream) {
  let rest = '';
  for await (const piece of stream.setEncoding('utf8')) {
    const all = (rest + piece).split('\n');
    rest = all.pop();
    for (const line of all) yield JSON.parse(line);
    yield null;
  }
  if (rest !== '') throw new BrokenPromise(`the stream ended within a line: ${rest}`);
}

async function* bsonDocuments(stream) {
  let rest = Buffer.alloc(0);
  for await (const piece of stream) {
    rest = Buffer.concat([rest, piece]);
    for (let size; rest.length >= lengthSize && rest.length >= (size = rest.readInt32LE());) {
      yield deserialize(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    yield null;
  }
  if (rest.length > 0) throw new BrokenPromise('the stream ended within a document');
}

/** What a stream says, document by document; null after each piece of it that arrived. */
export function documents(response, wanted) {
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = response.headers;
  if (type !== wanted.accept || encoding !== (wanted['accept-encoding'] ?? 'identity')) {
    throw new BrokenPromise(`asked for ${JSON.stringify(wanted)}, got ${type}, ${encoding}`);
  }
  const stream = encoding === 'identity' ? response
    : pipeline(response, decompressors[encoding](), () => {});
  return type === bsonType ? bsonDocuments(stream) : lines(stream);
}
