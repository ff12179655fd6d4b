/**
 * The endpoint suite: every scenario over one medium, by address alone, with the grammar monitor
 * always on. Each scenario is told over memory, too, and the two transcripts have to be the same,
 * line by line (V14).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seedOfThisRun } from '../random.js';
import { bodyScenarios } from './bodies.js';
import { cancellingScenarios } from './cancelling.js';
import { destroyingScenarios } from './destroying.js';
import { drainingScenarios } from './draining.js';
import { explainingScenarios } from './explaining.js';
import { flowingScenarios } from './flowing.js';
import { fragmentingScenarios } from './fragmenting.js';
import { helloScenarios } from './hello.js';
import { lastingScenarios } from './lasting.js';
import { leavingScenarios } from './leaving.js';
import { listeningScenarios } from './listening.js';
import { makeMemoryWorld } from './memory-world.js';
import { mixingScenarios } from './mixing.js';
import { nestingScenarios } from './nesting.js';
import { quotaScenarios } from './quota.js';
import { refusingScenarios } from './refusing.js';
import { returningScenarios } from './returning.js';
import type { Scenario } from './scenario.js';
import { Stage } from './stage.js';
import { transactingScenarios } from './transacting.js';
import type { MakeWorld } from './world.js';

const topics: Readonly<Record<string, readonly Scenario[]>> = {
  hello: helloScenarios,
  returning: returningScenarios,
  refusing: refusingScenarios,
  listening: listeningScenarios,
  quota: quotaScenarios,
  bodies: bodyScenarios,
  transacting: transactingScenarios,
  cancelling: cancellingScenarios,
  flowing: flowingScenarios,
  fragmenting: fragmentingScenarios,
  draining: drainingScenarios,
  leaving: leavingScenarios,
  destroying: destroyingScenarios,
  explaining: explainingScenarios,
  nesting: nestingScenarios,
  lasting: lastingScenarios,
  mixing: mixingScenarios,
};

/** Declares the suite for the medium `name`; `makeWorld` is called once for each scenario. */
export function runEndpointCompliance(name: string, makeWorld: MakeWorld): void {
  describe(`endpoints over ${name}`, () => {
    for (const [topic, scenarios] of Object.entries(topics)) {
      describe(topic, () => {
        for (const scenario of scenarios) declareScenario(scenario, makeWorld);
      });
    }
  });
}

/** Declares the test of one scenario: over the medium it reads as over memory. */
export function declareScenario(scenario: Scenario, makeWorld: MakeWorld): void {
  const { fact, play, told: expected } = scenario;
  it(fact, async (context) => {
    const seed = seedOfThisRun();
    context.diagnostic(`IDC_SEED=${seed}`);
    const reference = await tell(play, makeMemoryWorld, seed);
    const told = await tell(play, makeWorld, seed);
    assert.ok(reference.length > 0, 'a scenario has a transcript');
    if (expected !== undefined) assert.deepEqual(reference, expected, 'memory tells it as written');
    assert.deepEqual(told, reference, 'the transcript is that of memory');
  });
}

async function tell(
  play: Scenario['play'],
  makeWorld: MakeWorld,
  seed: number,
): Promise<readonly string[]> {
  const world = await makeWorld();
  try {
    const stage = await Stage.create(world, seed);
    return await stage.run(play);
  } finally {
    await world.dispose();
  }
}
