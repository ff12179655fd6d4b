/**
 * Real processes over TCP, through kills, stops, resets, silence, delays, corrupt and cut frames
 * and orderly ends, at random moments under load in both directions. Environment:
 *
 *   IDC_ROUNDS=300        so many rounds
 *   IDC_SEED=1            the same rounds again
 *   IDC_ROUND=kind:seed   that one round, as a failure prints it; with IDC_ROUNDS so many times
 *
 * `npm run rounds` plays more of them.
 */
import { describe, test } from 'node:test';

import { seedOfThisRun } from '../compliance/random.js';
import { planReplay, planRounds, playLane } from './play-rounds.js';

const roundsDefault = 40;
/** Each lane has two processes, which mostly wait. */
const lanesAtOnce = 2;

const { IDC_ROUNDS: count, IDC_ROUND: replayed } = process.env;
const seed = seedOfThisRun();
const plans =
  replayed === undefined
    ? planRounds(Number(count ?? roundsDefault), seed)
    : planReplay(replayed, Number(count ?? 1));

describe('nothing is lost, doubled, mistaken or left', { concurrency: lanesAtOnce }, () => {
  for (const plan of plans.filter(({ rounds }) => rounds.length > 0)) {
    test(plan.lane.title, async (context) => {
      let playedCount = 0;
      const told = {
        played: (): void => {
          playedCount++;
        },
        line: (text: string): void => {
          context.diagnostic(text);
        },
      };
      try {
        await playLane(plan, told);
      } finally {
        context.diagnostic(`seed ${seed}, ${playedCount} rounds clean`);
      }
    });
  }
});
