/** Runs a property with this run's seed, which a failure prints: `IDC_SEED=<seed> npm test`. */
import fc from 'fast-check';
import { seedOfThisRun } from '../compliance/random.js';

const numRunsDefault = 200;

/** Fails with seed, path and the smallest counterexample unless `holds` holds for all values. */
export function check<T>(
  arbitrary: fc.Arbitrary<T>,
  holds: (value: T) => void,
  numRuns: number = numRunsDefault,
): void {
  // fast-check's seeds are signed.
  fc.assert(fc.property(arbitrary, holds), { seed: seedOfThisRun() | 0, numRuns });
}
