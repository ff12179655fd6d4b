/** The simulated world with fixed seeds, with fresh ones for some seconds, and twice with one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runSeed } from './run.js';
import { commandOf, shrink } from './shrink.js';

const fixedSeeds = 25;
const randomBatchMs = 10_000;

async function expectClean(seed: number): Promise<number> {
  const result = await runSeed(seed);
  if (result.failure === undefined) return result.stepCount;
  const shortest = await shrink(result);
  const trace = shortest.trace.map((line) => `  ${line}`).join('\n');
  assert.fail(`${shortest.failure ?? ''}\nreplay: ${commandOf(shortest)}\n${trace}`);
}

describe('simulation', () => {
  it(`seeds 1 to ${fixedSeeds} run clean`, async (context) => {
    let stepCount = 0;
    for (let seed = 1; seed <= fixedSeeds; seed++) stepCount += await expectClean(seed);
    context.diagnostic(`${stepCount} steps`);
  });

  it('random seeds run clean', async (context) => {
    const startMs = performance.now();
    const first = Math.floor(Math.random() * 2 ** 31);
    let stepCount = 0;
    let seed = first;
    for (; performance.now() - startMs < randomBatchMs; seed++)
      stepCount += await expectClean(seed);
    context.diagnostic(`seeds ${first} to ${seed - 1}, ${stepCount} steps`);
  });

  it('one seed gives one trace, byte for byte', async () => {
    for (const seed of [2, 16, 27, 35, 60]) {
      const [one, other] = [await runSeed(seed, {}, Infinity), await runSeed(seed, {}, Infinity)];
      assert.ok(one.trace.length > 40 && one.stepCount > 1_000);
      assert.deepEqual(one.trace, other.trace);
      assert.equal(one.traceDigest, other.traceDigest);
    }
  });
});
