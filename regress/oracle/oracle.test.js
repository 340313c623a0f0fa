// The oracle itself: it finds nothing where nothing is wrong (seeds that once found something are
// among them), and finds each deliberate bug within a minute.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { failureOf } from './run.js';
import { bugs } from './saboteur.js';

/** Seeds, and what they once found. */
const corpus = {
  4: 'rows of a storage transaction were taken for those of an aborted one',
  3: 'a checkpoint was completed without a bucket that a deploy had dropped',
  100: 'the worker outlived a postmaster that was killed',
};

for (const [seed, story] of Object.entries(corpus)) {
  test(`seed ${seed}: ${story}`, async () => {
    const failure = await failureOf({ seed }, 24);
    if (failure) assert.fail(failure.message);
  });
}

for (const bug of Object.keys(bugs)) {
  test(`the oracle finds ${bug}`, async () => {
    const failure = await failureOf({ seed: '2', clientCount: 6, sdkCount: 0, bug,
      faults: ['newDevices'], reports: false }, 60);
    assert.ok(failure, 'it found nothing');
    assert.match(failure.message, /^client \d+: /);
  });
}
