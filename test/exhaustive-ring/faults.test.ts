/** The exploration can fail: each small fault of the ring is found, and found for what it is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { exploreRing, type Scenario } from './explore-ring.js';
import type { RingFault } from './load-ring.js';
import { scenarios } from './ring-scenarios.js';

interface FaultCase {
  readonly fault: RingFault;
  readonly scenario: Scenario;
  readonly found: RegExp;
}

const writer = 'ring-writer.js';
const reader = 'ring-reader.js';

const cases: readonly FaultCase[] = [
  {
    fault: {
      name: 'a record is published before its bytes are there',
      file: writer,
      replace: 'this.#claimEnd = claimEnd;',
      by: 'this.#claimEnd = claimEnd; Atomics.store(this.#own, Control.Produced, claimEnd);',
    },
    scenario: scenarios.plain,
    found: /unconsumed bytes are overwritten|is torn/,
  },
  {
    fault: {
      name: 'the pad is forgotten',
      file: writer,
      replace: 'this.#words[index >> 2] = padHeader;',
      by: '',
    },
    scenario: scenarios.plain,
    found: /sound memory is called corrupt|another length/,
  },
  {
    fault: {
      name: 'the pad of an aborted claim stays',
      file: writer,
      replace: 'this.#claimEnd = this.#tail;',
      by: 'this.#tail = (this.#claimEnd - 16) | 0; this.#claimEnd = this.#tail;',
    },
    scenario: {
      ...scenarios.relaxed,
      plans: [
        { sends: [4], publishEvery: 1, receives: false, aborts: { 1: 12 } },
        scenarios.relaxed.plans[1],
      ],
    },
    found: /sound memory is called corrupt/,
  },
  {
    fault: {
      name: 'a frame is given back before it is released',
      file: reader,
      replace: 'this.peekedBytes = byteLength;',
      by:
        'this.peekedBytes = byteLength; ' +
        'Atomics.store(this.#own, Control.Consumed, (head + takenBytes) | 0);',
    },
    scenario: scenarios.plain,
    found: /released bytes are read|is torn/,
  },
  {
    fault: {
      name: 'the doorbell is asked for before the record is published',
      file: writer,
      replace: 'this.#storeProduced();\n        if (this.#announced === this.#published)',
      by:
        '{ const isAsked = mustRing(this.#own, this.#peer, WokenBy.Record); ' +
        'this.#storeProduced(); this.#announced = this.#published; return isAsked; }\n' +
        '        if (this.#announced === this.#published)',
    },
    // Without forgetting sleeps: this fault may ring for one that is long over.
    scenario: { ...scenarios.answered, forgetsSleeps: false, wakesInVain: 0 },
    found: /waits for ever/,
  },
  {
    fault: {
      name: 'the doorbell is asked for before the space is given back',
      file: reader,
      replace: 'this.#storeConsumed();\n        if (this.#announced === this.#published)',
      by:
        '{ const isAsked = mustRing(this.#own, this.#peer, WokenBy.Space); ' +
        'this.#storeConsumed(); this.#announced = this.#published; return isAsked; }\n' +
        '        if (this.#announced === this.#published)',
    },
    scenario: scenarios.spacious,
    found: /waits for ever/,
  },
  {
    fault: {
      name: 'a batch that commit published rings for nobody',
      file: writer,
      replace: 'this.#published = this.#tail;',
      by: 'this.#published = this.#tail; this.#announced = this.#tail;',
    },
    scenario: scenarios.plain,
    found: /waits for ever/,
  },
  {
    fault: {
      name: 'a sleep is rung for as often as there is something new',
      file: 'sleeper.js',
      replace: 'own[Control.Rung] = word;',
      by: '',
    },
    scenario: scenarios.plain,
    found: /two doorbells for one sleep/,
  },
  {
    fault: {
      name: 'a sleep has the number of the one before it',
      file: 'sleeper.js',
      replace: '(this.#number + 1) | 0',
      by: '1',
    },
    scenario: scenarios.plain,
    found: /waits for ever/,
  },
  {
    fault: {
      name: 'the end is told before the last record',
      file: writer,
      replace: 'if (this.#isEnded)\n            return false;',
      by: 'if (this.#isEnded) return false; Atomics.store(this.#own, Control.Ended, 1);',
    },
    scenario: {
      ...scenarios.batched,
      plans: [{ sends: [4], publishEvery: 9, receives: false }, scenarios.batched.plans[1]],
    },
    found: /there are others/,
  },
  {
    fault: {
      name: 'the end hides a record that came before it',
      file: reader,
      replace: 'return Atomics.load(this.#peer, Control.Produced) === this.#head;',
      by: 'return true;',
    },
    scenario: scenarios.plain,
    found: /there are others/,
  },
  {
    fault: {
      name: 'a refused writer looks at what it knows already',
      file: writer,
      replace: 'return false;\n        this.#readConsumed();',
      by: 'return false;',
    },
    scenario: scenarios.blocked,
    found: /waits for ever|going round in circles/,
  },
];

describe('faults that are planted into the ring', () => {
  for (const { fault, scenario, found } of cases) {
    it(fault.name, () => {
      assert.throws(() => exploreRing(scenario, fault), found);
    });
  }

  it('a sleeper that does not look again', () => {
    for (const side of [0, 1]) {
      const [first, second] = scenarios.bothWays.plans;
      const plans = [
        { ...first, forgetsRecheck: side === 0 },
        { ...second, forgetsRecheck: side === 1 },
      ] as const;
      assert.throws(() => exploreRing({ ...scenarios.bothWays, plans }), /waits for ever/);
    }
  });
});
