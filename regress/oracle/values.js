// What a Postgres value is in SQLite, said a second time: from Postgres's own text form and the
// protocol's documents, not from the extension. Both sides of a comparison become the same kind of
// text: i:1 (integer), r:1.5 (real), t:abc (text). NULL is left out, since a client cannot tell
// it from an absent column.

const oids = {
  bool: 16, int8: 20, int2: 21, int4: 23, text: 25, json: 114, float4: 700, float8: 701,
  timestamp: 1114, timestamptz: 1184, jsonb: 3802,
};
const arrays = { 1000: oids.bool, 1005: oids.int2, 1007: oids.int4, 1009: oids.text,
  1016: oids.int8, 1022: oids.float8, 1185: oids.timestamptz };

const real = (text) => {
  const special = { Infinity: 'Inf', '-Infinity': '-Inf', NaN: null };
  if (text in special) return special[text] && `r:${special[text]}`;
  return `r:${Number(text) + 0}`;
};

const infinite = {
  infinity: '9999-12-31T23:59:59.000000',
  '-infinity': '0000-01-01T00:00:00.000000',
};

/** From `2024-01-02 03:04:05.6+00`. Sessions that read expected rows use UTC. */
function timestamp(text, suffix) {
  if (text in infinite) return infinite[text] + suffix;
  const [, date, time, fraction = ''] = /^([\d-]+) ([\d:]+)(?:\.(\d+))?(?:\+00)?$/.exec(text);
  return `${date}T${time}.${fraction.padEnd(6, '0')}${suffix}`;
}

/** The elements of a one-dimensional array in Postgres's text form; null for NULL. */
function elements(text) {
  const parts = [...text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)];
  return parts.map(([, quoted, bare]) =>
    bare === undefined ? quoted.replace(/\\(.)/gs, '$1') : bare === 'NULL' ? null : bare);
}

function elementJson(text, oid) {
  if (text === null) return 'null';
  const value = fromPostgres(text, oid);
  if (value === null) return 'null';
  if (value.startsWith('t:')) return JSON.stringify(value.slice(2));
  if (value.startsWith('i:')) return value.slice(2);
  return realJson(Number(value.slice(2)));
}

function realJson(value) {
  const text = JSON.stringify(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** The value's text for comparing, or null. `text` is its output in Postgres, or null. */
export function fromPostgres(text, oid) {
  if (text === null) return null;
  switch (oid) {
    case oids.bool: return text === 't' ? 'i:1' : 'i:0';
    case oids.int2: case oids.int4: case oids.int8: return `i:${text}`;
    case oids.float4: case oids.float8: return real(text);
    case oids.timestamptz: return `t:${timestamp(text, 'Z')}`;
    case oids.timestamp: return `t:${timestamp(text, '')}`;
    default:
  }
  if (!(oid in arrays)) return `t:${text}`;
  return `t:[${elements(text).map((element) => elementJson(element, arrays[oid])).join(',')}]`;
}

/** The same of a value in an operation's JSON data; `source` is its token there. */
function fromToken(value, source) {
  if (value === null) return null;
  if (typeof value === 'string') return `t:${value}`;
  if (typeof value !== 'number') throw new Error(`no SQLite value: ${source}`);
  if (/^-?\d+$/.test(source)) return `i:${BigInt(source)}`;
  return `r:${Number.isFinite(value) ? value + 0 : value > 0 ? 'Inf' : '-Inf'}`;
}

const canonical = (pairs) => pairs
  .filter(([, value]) => value !== null)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, value]) => `${name}=${value}`)
  .join('\n');

/** A row of a query's result, with all values as Postgres writes them, as text for comparing. */
export function expectedRow(fields, row) {
  return canonical(fields.map(({ name, dataTypeID }, i) =>
    [name, fromPostgres(row[i], dataTypeID)]));
}

/** An operation's data, as text for comparing. */
export function operationRow(data) {
  const values = JSON.parse(data, (name, value, { source }) =>
    (typeof value === 'object' && value !== null ? value : fromToken(value, source)));
  return canonical(Object.entries(values));
}
