/** The shared ring in every interleaving of its two sides' loads and stores. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { exploreRing, type Exploration } from './explore-ring.js';
import { scenarios, type ScenarioName } from './ring-scenarios.js';

/** Everything that the runs of a scenario may end in, and do: left side, right side. */
const outcomes: Readonly<Record<ScenarioName, readonly string[]>> = {
  plain: ['sent, 3 of 3'],
  blocked: ['sent, 6 of 6'],
  relaxed: ['sent, 3 of 3'],
  batched: ['sent, 7 of 7'],
  answered: ['1 of 1, 2 of 2'],
  spacious: ['sent, 3 of 3'],
  dying: [
    'died, 0 of 4',
    'died, 1 of 4',
    'died, 2 of 4',
    'died, 3 of 4',
    'died, 4 of 4',
    'sent, 4 of 4',
    'sent, died',
  ],
  relaxedDying: [
    'died, 0 of 3',
    'died, 1 of 3',
    'died, 2 of 3',
    'died, 3 of 3',
    'sent, 3 of 3',
    'sent, died',
  ],
  bothWays: ['3 of 3, 3 of 3'],
  bothWaysDying: [
    '0 of 1, died',
    '1 of 1, 2 of 2',
    '1 of 1, died',
    'died, 0 of 2',
    'died, 1 of 2',
    'died, 2 of 2',
  ],
};

type Counts = Omit<Exploration, 'outcomes'>;

/** What a scenario is there for; each of these has to happen in it. */
const purposes: Readonly<Record<ScenarioName, readonly (keyof Counts)[]>> = {
  plain: ['sleeps', 'rings', 'saved', 'refused', 'spaceRings', 'pads', 'wraps'],
  blocked: ['sleeps', 'rings', 'saved', 'refused', 'spaceRings', 'pads', 'wraps'],
  relaxed: ['aborted', 'pads', 'refused', 'rings'],
  batched: ['sleeps', 'rings', 'saved', 'pads', 'wraps'],
  answered: ['sleeps', 'rings', 'saved', 'wraps'],
  spacious: ['sleeps', 'rings', 'saved', 'refused', 'spaceRings', 'pads'],
  dying: ['sleeps', 'rings', 'saved', 'refused', 'spaceRings', 'pads'],
  relaxedDying: ['sleeps', 'rings', 'saved', 'refused', 'spaceRings'],
  bothWays: ['sleeps', 'rings', 'saved', 'refused', 'spaceRings', 'wraps'],
  bothWaysDying: ['sleeps', 'rings', 'saved', 'wraps'],
};

describe('every interleaving of a shared ring', () => {
  const lines: string[] = [];

  // The keys of a literal that has each of the names and no other.
  for (const name of Object.keys(outcomes) as ScenarioName[]) {
    const scenario = scenarios[name];
    it(scenario.name, () => {
      const start = process.cpuUsage();
      const explored = exploreRing(scenario);
      const seconds = process.cpuUsage(start).user / 1e6;
      assert.deepEqual(explored.outcomes, outcomes[name]);
      for (const purpose of purposes[name]) {
        assert.ok(explored[purpose] > 0, `${purpose} never happened`);
      }
      const { states, steps, ends } = explored;
      lines.push(
        `${name}: ${states} states, ${steps} steps, ${ends} ends, ${seconds.toFixed(1)} s`,
      );
    });
  }

  after(() => console.log(lines.join('\n')));
});
