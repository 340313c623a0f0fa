import http from 'node:http';
import { once } from 'node:events';

// Deliberate bugs, each a function of a line of the stream (parsed) and what is kept between lines,
// {random, …}; the answer is the line to send, or null for none. An operation that is mangled keeps
// its checksum, as if a service with such a bug had computed it: that alone must not find them.

const rowOf = (operation) => operation.op === 'PUT' || operation.op === 'REMOVE';

/** Takes `operation` out of what clients can see, but leaves its checksum. */
const emptied = ({ op_id, checksum }) => ({ op_id, op: 'MOVE', checksum });

export const bugs = {
  'a dropped operation': (line, { random }) => {
    const victim = line.data?.data.findIndex((operation) => isItem(operation));
    if (victim >= 0 && random.chance(0.1)) {
      line.data.data[victim] = emptied(line.data.data[victim]);
    }
    return line;
  },
  'a late REMOVE': (line) => {
    line.data?.data.forEach((operation, i, all) => {
      if (operation.op === 'REMOVE') all[i] = emptied(operation);
    });
    return line;
  },
  'a swapped bucket': (line, kept) => {
    if (!line.data?.data.some(isItem)) return line;
    const other = kept.operations;
    kept.operations = line.data.data;
    if (!other) return line;
    line.data.data.forEach((operation, i, all) => {
      const { object_type, object_id, subkey, data } = other[i] ?? {};
      if (data && isItem(operation)) all[i] = { ...operation, object_type, object_id, subkey,
        data };
    });
    return line;
  },
  'a reused op id': (line, kept) => {
    const first = line.data?.data.find(isItem);
    if (first && (kept.count = (kept.count ?? 0) + 1) % 5 === 0) {
      first.data = first.data.replace(/"level":[^,}]*/, '"level":77');
    }
    return line;
  },
  'a wrong checksum': (line, { random }) => {
    const [operation] = line.data?.data ?? [];
    if (operation && random.chance(0.05)) operation.checksum = (operation.checksum + 1) % 2 ** 32;
    return line;
  },
  'a checkpoint before its data': (line, kept) => {
    const held = kept.held;
    kept.held = null;
    if (line.data?.data.some(isItem)) {
      kept.held = line;
      return null;
    }
    return held ? [line, held] : line;
  },
  'an early write checkpoint': (line) => {
    const head = line.checkpoint ?? line.checkpoint_diff;
    if (head?.write_checkpoint) head.write_checkpoint = String(Number(head.write_checkpoint) + 1);
    return line;
  },
};

const isItem = (operation) => rowOf(operation) && operation.op === 'PUT' &&
  operation.object_type !== 'oracle_clock';

/** A service with one bug more than the sidecar behind it. For tests of the oracle only. */
export class Saboteur {
  static async open(sidecar, bug, random) {
    const saboteur = new Saboteur();
    saboteur.server = http.createServer((request, response) =>
      saboteur.#pass(request, response, `${sidecar.url}${request.url}`, bugs[bug], random));
    saboteur.server.listen(0, '127.0.0.1');
    await once(saboteur.server, 'listening');
    saboteur.url = `http://127.0.0.1:${saboteur.server.address().port}`;
    return saboteur;
  }

  #pass(request, response, url, bug, random) {
    const { method, headers } = request;
    const onward = http.request(url, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] });
      this.#lines(answer, response, bug, { random }).catch(() => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  async #lines(answer, response, bug, kept) {
    let rest = '';
    for await (const piece of answer.setEncoding('utf8')) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        for (const changed of [bug(JSON.parse(line), kept)].flat()) {
          if (changed) response.write(`${JSON.stringify(changed)}\n`);
        }
      }
    }
    response.end(rest);
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
