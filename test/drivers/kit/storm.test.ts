/** Nothing is lost, doubled or undone, however often the back end dies. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { simulateSeeds } from 'idc/simulation';
import { seedOfThisRun } from '../../compliance/random.js';
import { makeStorm, type Storm, type StormOptions } from './storm.js';

const first = seedOfThisRun() % 2 ** 30;
const seeds = 12;

async function runStorm(options: StormOptions): Promise<{ repeated: number; uncertain: number }> {
  const storms: Storm[] = [];
  const make = (seed: number): Storm => {
    const storm = makeStorm(seed, options);
    storms.push(storm);
    return storm;
  };
  await simulateSeeds(make, { first, count: seeds });
  const sum = (counts: readonly number[]): number => counts.reduce((one, other) => one + other, 0);
  return {
    repeated: sum(storms.map((storm) => storm.repeatedUncertain())),
    uncertain: sum(storms.map((storm) => storm.uncertain())),
  };
}

it(`table: a back end that crashes, three front ends, from seed ${first}`, async () => {
  const { repeated, uncertain } = await runStorm({
    recovery: (journal) => ({ kind: 'table', journal }),
    frontEnds: 3,
    faults: { crashes: ['back'], severs: true, clogs: true, gapMs: [20, 300], forMs: 6_000 },
  });
  assert.ok(repeated > seeds, `only ${repeated} calls were repeated after maybe`);
  assert.equal(uncertain, 0, 'a front end saw maybe');
});

it(`lease: it passes from one to another, from seed ${first}`, async () => {
  const { repeated } = await runStorm({
    recovery: (journal) => ({ kind: 'lease', journal, absentMs: 150 }),
    frontEnds: 2,
    faults: {
      crashes: ['back'],
      stops: ['front0', 'front1'],
      severs: true,
      gapMs: [20, 300],
      forMs: 6_000,
    },
  });
  assert.ok(repeated > 0, 'no call was repeated after maybe');
});
