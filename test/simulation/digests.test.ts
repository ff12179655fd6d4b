/** One seed gives one trace, whatever Node runs it: the digests are those of `digests.ts`. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { traceDigests } from './digests.js';
import { runSeed } from './run.js';

it('the traces of a few seeds are those that were written down, on any Node', async () => {
  const digests: Record<number, string> = {};
  for (const seed of Object.keys(traceDigests).map(Number)) {
    const { failure, traceDigest } = await runSeed(seed);
    assert.equal(failure, undefined);
    digests[seed] = traceDigest;
  }
  assert.deepEqual(digests, traceDigests);
});
