/** What two sides of a tiny ring do in the explored runs: together they meet every rule of it. */
import type { Scenario } from './explore-ring.js';
import type { SidePlan } from './ring-side.js';

const sink: SidePlan = { sends: [], publishEvery: 1, receives: true };

function source(sends: readonly number[], more: Partial<SidePlan> = {}): SidePlan {
  return { sends, publishEvery: 1, receives: false, ...more };
}

function both(sends: readonly number[], more: Partial<SidePlan> = {}): SidePlan {
  return { sends, publishEvery: 1, receives: true, ...more };
}

/** Positions that come to 2^32 or to 2^31 soon, as the int32 that they are. */
const beforeZero = -16;
const beforeNegative = 0x7ffffff0;

/** Frames have at most 12 bytes in a ring of 32, where they take 16, and 4 in a ring of 16. */
export type ScenarioName =
  | 'plain'
  | 'blocked'
  | 'relaxed'
  | 'batched'
  | 'answered'
  | 'spacious'
  | 'dying'
  | 'relaxedDying'
  | 'bothWays'
  | 'bothWaysDying';

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  plain: {
    name: 'every number of a sleep is new',
    ringBytes: 32,
    start: beforeZero,
    plans: [source([4, 12, 4]), sink],
  },
  blocked: {
    name: 'a pad, a blocked writer, and a reader that looks twice',
    ringBytes: 32,
    start: beforeZero,
    plans: [source([4, 12, 12, 4, 4, 12]), { ...sink, polls: 1 }],
    forgetsSleeps: true,
    wakesInVain: 1,
  },
  relaxed: {
    name: 'plain stores come late and in any order, claims are aborted',
    ringBytes: 32,
    start: beforeNegative,
    plans: [source([4, 12, 4], { publishEvery: 2, aborts: { 1: 12, 2: 12, 3: 4 } }), sink],
    forgetsSleeps: true,
    isRelaxed: true,
  },
  batched: {
    name: 'several records are published and released at once',
    ringBytes: 128,
    start: beforeZero,
    plans: [source([4, 4, 20, 4, 4, 36, 60], { publishEvery: 3 }), sink],
    forgetsSleeps: true,
  },
  answered: {
    name: 'one waits for the answer of the other, and only publish shows a record',
    ringBytes: 128,
    start: beforeZero,
    plans: [both([4, 4], { endsLast: true }), both([4], { waitsFor: 2 })],
    forgetsSleeps: true,
    wakesInVain: 1,
  },
  spacious: {
    name: 'the last frames block the largest, and only publish gives them back',
    ringBytes: 256,
    start: -136,
    plans: [source([4, 4, 124]), sink],
    forgetsSleeps: true,
  },
  dying: {
    name: 'either side dies anywhere',
    ringBytes: 32,
    start: beforeZero,
    plans: [source([4, 12, 12, 4]), sink],
    forgetsSleeps: true,
    mayDie: true,
  },
  relaxedDying: {
    name: 'either side dies with stores that nobody sees yet',
    ringBytes: 16,
    start: beforeZero,
    plans: [source([4, 1, 4]), sink],
    forgetsSleeps: true,
    isRelaxed: true,
    mayDie: true,
  },
  bothWays: {
    name: 'both send and receive, and both are blocked',
    ringBytes: 16,
    start: beforeZero,
    plans: [both([4, 1, 4]), both([1, 4, 4])],
    forgetsSleeps: true,
  },
  bothWaysDying: {
    name: 'both send and receive until one dies',
    ringBytes: 16,
    start: beforeZero,
    plans: [both([4, 4]), both([4])],
    forgetsSleeps: true,
    mayDie: true,
  },
};
