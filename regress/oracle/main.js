// `make oracle SEED=… MINUTES=…`: runs until the time is over; says the seed of a failure.
import { Run } from './run.js';

const minutes = Number(process.env.MINUTES || 1);
const first = process.env.SEED || String(Date.now() % 1_000_000);

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

const failure = await runSeed(first, minutes * 60);
if (failure) {
  console.error(`\nFAILED with SEED=${first}\n${failure.stack}`);
  process.exit(1);
}
