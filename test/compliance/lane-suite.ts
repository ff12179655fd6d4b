/**
 * The bulk lane compliance suite: every law of `core/bulk-lane.ts` as tests, for any medium whose
 * `bulk` is `lane`. A test's name begins with the law that it follows from; laws that hold at every
 * moment are checked by the ends and the rig in each test, too.
 */
import { describe, it } from 'node:test';
import type { MakeHarness } from './harness.js';
import { checkLaneBodies } from './lane-laws-of-bodies.js';
import { checkLaneClosing } from './lane-laws-of-closing.js';
import { checkLaneFlow } from './lane-laws-of-flow.js';
import { checkLaneOpening } from './lane-laws-of-opening.js';
import { LaneRig, type LaneCheck } from './lane-rig.js';

/** Declares the suite for the transport `name`; `makeHarness` is called once for each test. */
export function runLaneCompliance(name: string, makeHarness: MakeHarness): void {
  const check: LaneCheck = (fact, body) => {
    it(fact, async (context) => {
      const lanes = await LaneRig.create(makeHarness);
      context.diagnostic(`IDC_SEED=${String(lanes.rig.seed)}`);
      await runThenDispose(lanes, body);
    });
  };
  describe(`lanes of ${name}`, () => {
    checkLaneOpening(check);
    checkLaneBodies(check);
    checkLaneFlow(check);
    checkLaneClosing(check);
  });
}

/** What the test found comes first; what disposal finds after that is mostly its consequence. */
async function runThenDispose(
  lanes: LaneRig,
  body: (lanes: LaneRig) => Promise<void>,
): Promise<void> {
  const [found] = await Promise.allSettled([body(lanes)]);
  const [left] = await Promise.allSettled([lanes.dispose()]);
  for (const outcome of [found, left]) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
