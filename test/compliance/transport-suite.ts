/**
 * The transport compliance suite: every law of the contract as tests, for any medium.
 *
 * `core/transport.ts` states the laws L1-L13; a test's name begins with the law that it follows
 * from. Laws that hold at every moment (grammar, no call from inside a call, no leak) are checked
 * by the rig in each test, too, not only in the tests that bear their number.
 */
import { describe, it } from 'node:test';
import { checkBytes } from './laws-of-bytes.js';
import { checkClosing } from './laws-of-closing.js';
import { checkDelivery } from './laws-of-delivery.js';
import { checkFlow } from './laws-of-flow.js';
import { checkListening } from './laws-of-listening.js';
import { checkOpening } from './laws-of-opening.js';
import type { MakeHarness } from './harness.js';
import { Rig, type Check } from './rig.js';

/** Declares the suite for the transport `name`; `makeHarness` is called once for each test. */
export function runTransportCompliance(name: string, makeHarness: MakeHarness): void {
  const check: Check = (fact, body) => {
    it(fact, async (context) => {
      const rig = await Rig.create(makeHarness);
      context.diagnostic(`IDC_SEED=${String(rig.seed)}`);
      await runThenDispose(rig, body);
    });
  };
  describe(`transport ${name}`, () => {
    checkOpening(check);
    checkListening(check);
    checkDelivery(check);
    checkBytes(check);
    checkFlow(check);
    checkClosing(check);
  });
}

/** What the test found comes first; what disposal finds after that is mostly its consequence. */
async function runThenDispose(rig: Rig, body: (rig: Rig) => Promise<void>): Promise<void> {
  const [found] = await Promise.allSettled([body(rig)]);
  const [left] = await Promise.allSettled([rig.dispose()]);
  for (const outcome of [found, left]) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
