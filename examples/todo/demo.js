// `make demo`: two devices with the published client SDK follow a Postgres database, live.
//
//   KEEP=1          stays after the tour and shows what you change with psql, until Ctrl-C
//   DEMO_SECONDS=n  ends after n seconds, repeating the tour; status 0 only if all changes arrived
import { isDeepStrictEqual, styleText } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';

import { tables } from '../../regress/e2e/lib/client.js';
import { Todo } from '../../regress/e2e/lib/todo.js';

const groceries = '11111111-0000-4000-8000-000000000001';
const travel = '22222222-0000-4000-8000-000000000001';
const seconds = Number(process.env.DEMO_SECONDS) || 0;
const pause_ms = seconds > 0 ? 200 : 900;
const arrival_ms_max = 5000;

// What happens, in the app's words and in SQL.
const tour = [
  ['anna needs capers',
    `INSERT INTO todos (list_id, description) VALUES ('${groceries}', 'capers')`],
  ['they are bought', `UPDATE todos SET completed = true WHERE description = 'capers'`],
  ['everyone gets a new theme', `UPDATE settings SET value = 'dark' WHERE id = 'theme'`],
  ['a to-do moves to a list of bert',
    `UPDATE todos SET list_id = '${travel}' WHERE description = 'capers'`],
  ['bert takes over a list, to-dos and all',
    `UPDATE lists SET owner_id = 'bert' WHERE id = '${groceries}'`],
  ['and gives it back', `UPDATE lists SET owner_id = 'anna' WHERE id = '${groceries}'`],
  ['a hundred to-dos in one transaction',
    `INSERT INTO todos (list_id, description)
     SELECT '${groceries}', 'thing ' || n FROM generate_series(1, 100) n`],
  ['all gone again',
    `DELETE FROM todos WHERE description LIKE 'thing %' OR description = 'capers'`],
  ['back to the light', `UPDATE settings SET value = 'light' WHERE id = 'theme'`],
];

const bold = (text) => styleText('bold', text);
const dim = (text) => styleText('dim', text);
const say = (text = '') => console.log(text);

async function snapshot({ client }) {
  const rows = new Map();
  for (const table of tables) {
    for (const row of await client.rows(table)) rows.set(`${table} ${row.id}`, row);
  }
  return rows;
}

const nameOf = (row) => row.description ?? row.name ?? `${row.id} = ${row.value}`;

function describeDifference(before, after) {
  const lines = [];
  for (const [key, row] of after) {
    const table = key.split(' ')[0];
    if (!before.has(key)) lines.push(styleText('green', `+ ${table} ${nameOf(row)}`));
    else if (!isDeepStrictEqual(before.get(key), row)) {
      lines.push(styleText('yellow', `~ ${table} ${nameOf(row)}${row.completed ? ', done' : ''}`));
    }
  }
  for (const [key, row] of before) {
    if (!after.has(key)) lines.push(styleText('red', `- ${key.split(' ')[0]} ${nameOf(row)}`));
  }
  return lines.length > 4 ? [...lines.slice(0, 2), `  … ${lines.length - 2} more`] : lines;
}

async function openDevice(todo, user) {
  const started_at_ms = performance.now();
  const client = await todo.open(user);
  const device = { user, client, changed_at_ms: 0 };
  client.db.onChange({ onChange: () => { device.changed_at_ms = performance.now(); } },
    { tables, throttleMs: 1 });
  await todo.inSync(client);
  device.rows = await snapshot(device);
  say(`  ${user}'s device  first sync of ${device.rows.size} rows in ` +
    `${Math.round(performance.now() - started_at_ms)} ms, ${dim(client.directory)}`);
  return device;
}

/** Prints what changed in a device's SQLite since it was last asked; tells if anything did. */
async function show(device, note = '') {
  const rows = await snapshot(device);
  const lines = describeDifference(device.rows, rows);
  device.rows = rows;
  for (const line of lines) say(`  ${device.user.padEnd(6)}${line} ${dim(note)}`);
  return lines.length > 0;
}

/** Waits until the device holds what its user should have; shows it with its latency. */
async function follow(todo, device, committed_at_ms, latencies) {
  await todo.inSync(device.client, arrival_ms_max);
  if (device.changed_at_ms < committed_at_ms) device.changed_at_ms = performance.now();
  const latency_ms = device.changed_at_ms - committed_at_ms;
  if (await show(device, `${latency_ms.toFixed(0)} ms`)) latencies.push(latency_ms);
}

async function takeTour(todo, devices, latencies, ends_at_ms) {
  for (const [story, statement] of tour) {
    if (performance.now() > ends_at_ms) return;
    say(`\n${bold(story)}\n  ${dim(`psql> ${statement.replace(/\s+/g, ' ')}`)}`);
    await todo.server.query(statement);
    const committed_at_ms = performance.now();
    for (const device of devices) await follow(todo, device, committed_at_ms, latencies);
    await delay(pause_ms);
  }
}

async function writeOnDevice(todo, [device]) {
  say(`\n${bold('anna writes on her device; the app uploads it to Postgres')}`);
  const statement = `INSERT INTO todos (id, list_id, description, completed)
                     VALUES (uuid(), '${groceries}', 'written by anna', 0)`;
  say(`  ${dim(`anna's sqlite> ${statement.replace(/\s+/g, ' ')}`)}`);
  await device.client.db.execute(statement);
  await device.client.uploaded(arrival_ms_max);
  await todo.inSync(device.client, arrival_ms_max);
  const [row] = await todo.server.query(
    `SELECT description, created_at FROM todos WHERE description = 'written by anna'`);
  say(`  postgres holds: ${row.description}, created ${row.created_at.toISOString()}`);
  await todo.server.query(`DELETE FROM todos WHERE description = 'written by anna'`);
  await todo.inSync(device.client, arrival_ms_max);
  device.rows = await snapshot(device);
}

async function stay(todo, devices, interrupted) {
  say(`\n${bold('Now you')} (Ctrl-C ends it). What you commit here shows up below:\n`);
  say(`  psql -h ${todo.server.directory} -U postgres postgres`);
  say(dim(`  INSERT INTO todos (list_id, description) VALUES ('${groceries}', 'hi');`));
  say(`  sidecar: ${todo.sidecar.url}   its configuration: ${todo.sidecar.configurationFile}\n`);
  for (const device of devices) {
    device.client.db.onChange({ onChange: () => show(device) }, { tables });
  }
  await interrupted;
}

function summarize(latencies) {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.floor((sorted.length - 1) * part)]?.toFixed(0);
  say(`\nAll changes arrived. From commit to SQLite: median ${at(0.5)} ms, slowest ${at(1)} ms, ` +
    `${sorted.length} arrivals.`);
}

async function demo(todo, interrupted) {
  const [{ version }] = await todo.server.query(`SELECT split_part(version(), ' ', 2) AS version`);
  say(`\n${bold('pg_brigade')}: a to-do app, two devices, one Postgres\n`);
  say(`  Postgres ${version}  throwaway, in ${todo.server.directory}`);
  say(`  sidecar        ${todo.sidecar.url}`);
  const devices = [await openDevice(todo, 'anna'), await openDevice(todo, 'bert')];
  say(`\nWhat follows is committed in Postgres; the lines below it are what then changed in each ` +
    `device's SQLite.`);

  const latencies = [];
  const ends_at_ms = performance.now() + seconds * 1000;
  do {
    await takeTour(todo, devices, latencies, seconds ? ends_at_ms : Infinity);
  } while (performance.now() < ends_at_ms);
  await writeOnDevice(todo, devices);
  summarize(latencies);
  if (process.env.KEEP) await stay(todo, devices, interrupted);
}

const interrupted = new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, resolve);
});
const todo = await Todo.start();
try {
  await Promise.race([demo(todo, interrupted), interrupted]);
} catch (error) {
  console.error(`\nThe demo failed: ${error.stack}`);
  process.exitCode = 1;
} finally {
  await todo.stop();
}
process.exit();
