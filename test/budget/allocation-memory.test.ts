/**
 * The allocation budget of the core: nothing for each message and nothing for each transaction in
 * steady state, over the memory transport in poll mode, with random lengths from 1 to 512.
 *
 * The smallest object takes 16 bytes, so less than 4 means that not even every fourth item makes
 * one. What is left is made for each turn, however many items it has: the readings of the clock.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { seedOfThisRun } from '../compliance/random.js';
import type { AllocationOrder } from './allocation-memory-thread.js';
import { bytesPerStep } from './measure.js';
import { pollEffort } from './poll-drives.js';

/** Measured: 0.1 for a message and 0.4 for a transaction (Node 20.20.2). */
const bytesPerItemMax = 4;
/**
 * On a busy machine the compiler, which works beside the program, now and then settles for code
 * that makes objects of its own. It begins anew in each thread; what the core allocates is in all.
 */
const attemptsMax = 3;

const items = ['message', 'transaction in its hot form'] as const;

async function measure(order: AllocationOrder): Promise<number> {
  const program = new URL('allocation-memory-thread.js', import.meta.url);
  const worker = new Worker(program, { workerData: order });
  const ended = once(worker, 'exit');
  const [bytes] = (await once(worker, 'message')) as [number]; // the thread posts one number
  await ended;
  return bytes;
}

describe('allocation in steady state, memory', () => {
  const seed = seedOfThisRun();

  it('the measure sees the smallest object in every fourth item', async () => {
    const kept = new Array<{ index: number }>(64);
    const drive = (count: number): void => {
      for (let index = 0; index < count; index++) {
        if ((index & 3) === 0) kept[(index >> 2) & 63] = { index };
      }
    };
    const bytes = await bytesPerStep(drive, pollEffort);
    assert(bytes > bytesPerItemMax && bytes < 16, `${bytes} bytes`);
  });

  for (const item of items) {
    it(`a ${item} leaves less than ${bytesPerItemMax} bytes`, async (context) => {
      let bytes = Infinity;
      for (let attempt = 1; attempt <= attemptsMax && bytes >= bytesPerItemMax; attempt++) {
        bytes = await measure({ item, seed });
        context.diagnostic(`${bytes.toFixed(3)} bytes per ${item}`);
      }
      assert(bytes < bytesPerItemMax, `${bytes.toFixed(3)} bytes, IDC_SEED=${seed}`);
    });
  }
});
