// `make oracle SEED=… MINUTES=…`: without a seed, one world after the other until the time is over.
// Ends with the seed of the first failure.
import { Run } from './run.js';

const minutes = Number(process.env.MINUTES || 1);
const world_seconds_max = process.env.SEED ? Infinity : 75;

async function runSeed(seed, seconds) {
  const run = new Run({ seed, say: (text) => console.log(`seed ${seed}: ${text}`) });
  try {
    await run.start();
    await run.work(seconds);
    return null;
  } catch (error) {
    return run.failure ?? error;
  } finally {
    await run.stop();
  }
}

const end = Date.now() + minutes * 60_000;
let seed = Number(process.env.SEED || Date.now() % 1_000_000);
for (let left_s; (left_s = (end - Date.now()) / 1000) > 1; seed++) {
  const failure = await runSeed(String(seed), Math.min(left_s, world_seconds_max));
  if (failure) {
    console.error(`\nFAILED with SEED=${seed}; see build/oracle/${seed}\n${failure.stack}`);
    process.exit(1);
  }
}
