/**
 * The buffer suite: remote buffers over one medium, through the public API alone. As in the
 * endpoint suite, each scenario is told over memory, too, and the two transcripts are the same.
 */
import { describe } from 'node:test';
import { declareScenario } from '../endpoint/endpoint-suite.js';
import type { Scenario } from '../endpoint/scenario.js';
import type { MakeWorld } from '../endpoint/world.js';
import { carryingScenarios } from './carrying.js';
import { endingScenarios } from './ending.js';
import { forwardingScenarios } from './forwarding.js';
import { judgingScenarios } from './judging.js';
import { lendingScenarios } from './lending.js';
import { losingScenarios } from './losing.js';
import { mixingScenarios } from './mixing.js';
import { narrowingScenarios } from './narrowing.js';
import { trackingScenarios } from './tracking.js';

const topics: Readonly<Record<string, readonly Scenario[]>> = {
  carrying: carryingScenarios,
  narrowing: narrowingScenarios,
  judging: judgingScenarios,
  ending: endingScenarios,
  losing: losingScenarios,
  forwarding: forwardingScenarios,
  lending: lendingScenarios,
  tracking: trackingScenarios,
  mixing: mixingScenarios,
};

/** Declares the suite for the medium `name`; `makeWorld` is called once for each scenario. */
export function runBufferCompliance(name: string, makeWorld: MakeWorld): void {
  describe(`remote buffers over ${name}`, () => {
    for (const [topic, scenarios] of Object.entries(topics)) {
      describe(topic, () => {
        for (const scenario of scenarios) declareScenario(scenario, makeWorld);
      });
    }
  });
}
