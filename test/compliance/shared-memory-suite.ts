/**
 * The shared memory compliance suite: laws S1-S6 of `core/shared-memory.ts` as tests, for any
 * transport with `memory`. A test's name begins with the law that it follows from.
 *
 * The holder here is often a hostile one: it ignores what `enter` and `leave` answer, and goes on
 * reading and writing the bytes that it once mapped.
 */
import { describe, it } from 'node:test';
import { checkAccesses, checkDescriptions, checkReleasing } from './laws-of-holding.js';
import { checkAllocating, checkDescribing, checkSharing } from './laws-of-lending.js';
import { checkRevoking, checkTakingBack } from './laws-of-taking-back.js';
import { createRandom, seedOfThisRun } from './random.js';
import { Stage, type Check, type MakeSharedMemoryHarness } from './shared-memory-stage.js';

/** Declares the suite for the transport `name`; `makeHarness` is called once for each test. */
export function runSharedMemoryCompliance(
  name: string,
  makeHarness: MakeSharedMemoryHarness,
): void {
  const check: Check = (fact, body) => {
    it(fact, async (context) => {
      const seed = seedOfThisRun();
      context.diagnostic(`IDC_SEED=${String(seed)}`);
      const stage = new Stage(await makeHarness(), createRandom(seed));
      try {
        await body(stage);
      } finally {
        await stage.dispose();
      }
    });
  };
  describe(`shared memory of ${name}`, () => {
    checkAllocating(check);
    checkSharing(check);
    checkDescribing(check);
    checkRevoking(check);
    checkTakingBack(check);
    checkDescriptions(check);
    checkAccesses(check);
    checkReleasing(check);
  });
}
