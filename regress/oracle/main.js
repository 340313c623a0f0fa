// `make oracle SEED=… MINUTES=…`: without a seed, one world after the other until the time is over.
// Ends with the first failure: its seed, and the smallest run found that fails as well.
import { failureOf } from './run.js';

const minutes = Number(process.env.MINUTES || 1);
// A world lives WORLD_SECONDS at most.
const world_seconds_max = Number(process.env.WORLD_SECONDS) || (process.env.SEED ? Infinity : 75);
const shrink_seconds = Number(process.env.SHRINK_SECONDS ?? 40);
// FAULTS=name,…: only these nemeses; see nemesis.js. CLIENTS, WRITERS, SDKS: how many. PAUSE_MS:
// between two transactions of a writer, at most.
const options = Object.fromEntries(Object.entries({
  faults: process.env.FAULTS?.split(',').filter((name) => name !== ''),
  clientCount: process.env.CLIENTS && Number(process.env.CLIENTS),
  writerCount: process.env.WRITERS && Number(process.env.WRITERS),
  sdkCount: process.env.SDKS && Number(process.env.SDKS),
  pauseMs: process.env.PAUSE_MS && Number(process.env.PAUSE_MS),
}).filter(([, value]) => value !== undefined));

const runSeed = (seed, seconds, chosen) =>
  failureOf({ seed, ...options, ...chosen }, seconds);

/** Tries the same world with less of everything, and keeps what still fails. */
async function shrink(seed, failure) {
  const suffered = [...new Set(failure.suffered)];
  const steps = [
    { faults: [] }, ...suffered.map((name) => ({ faults: [name] })), { faults: suffered },
    { sdkCount: 0 }, { writerCount: 1 }, { clientCount: 1 }, { clientCount: 6 },
  ];
  let smallest = {};
  for (const step of steps) {
    if (Object.keys(step).every((name) => name in smallest)) continue;
    const seconds = Math.max(shrink_seconds, failure.seconds);
    if (await runSeed(seed, seconds, { ...smallest, ...step, reports: false })) {
      smallest = { ...smallest, ...step };
    }
  }
  const names = { faults: 'FAULTS', clientCount: 'CLIENTS', writerCount: 'WRITERS',
    sdkCount: 'SDKS' };
  return Object.entries(smallest).map(([name, value]) => `${names[name]}=${value}`).join(' ');
}

const end = Date.now() + minutes * 60_000;
let seed = Number(process.env.SEED || Date.now() % 1_000_000);
for (let left_s; (left_s = (end - Date.now()) / 1000) > 1; seed++) {
  const seconds = Math.min(left_s, world_seconds_max);
  const failure = await runSeed(String(seed), seconds,
    { say: (text) => console.log(`seed ${seed}: ${text}`) });
  if (!failure) continue;
  console.error(`\nFAILED with SEED=${seed}; see build/oracle/${seed}\n${failure.stack}`);
  if (shrink_seconds > 0) {
    console.error(`It also fails with: make oracle SEED=${seed} ${
      await shrink(String(seed), failure)}`);
  }
  process.exit(1);
}
