// The oracle itself: it finds nothing where nothing is wrong (seeds that once found something are
// among them), and finds each deliberate bug within a minute.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { failureOf } from './run.js';
import { bugs } from './saboteur.js';

/** Runs that once found something, and what. */
const corpus = [
  [{ seed: '4' }, 'rows of a storage transaction were taken for those of an aborted one'],
  [{ seed: '3' }, 'a checkpoint was completed without a bucket that a deploy had dropped'],
  [{ seed: '100' }, 'the worker outlived a postmaster that was killed'],
  [{ seed: '234196', faults: ['rewriteTable'], clientCount: 6, sdkCount: 0 },
    'the rows of a partition that was replaced were away for a moment'],
];

for (const [options, story] of corpus) {
  test(`seed ${options.seed}: ${story}`, async () => {
    const failure = await failureOf(options, 24);
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
