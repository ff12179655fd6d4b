/**
 * The allocation budget of the core: nothing for each message and nothing for each transaction in
 * steady state, over the memory transport in poll mode, with random lengths from 1 to 512.
 *
 * The smallest object takes 16 bytes, so less than 4 means that not even every fourth item makes
 * one. What is left is made for each turn, however many items it has: the readings of the clock.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryNetwork, memory } from 'idc/memory';
import { seedOfThisRun } from '../compliance/random.js';
import { bytesPerStep, Payloads } from './measure.js';
import { closePair, openPair } from './pair.js';
import { driveMessages, driveTransactions, pollEffort } from './poll-drives.js';

/**
 * Measured: 0.1 for a message and 0.9 for a transaction; in one process of eight on a busy machine
 * the compiler settled for 2.6 for a message (Node 20.20.2).
 */
const bytesPerItemMax = 4;

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

  for (const [what, makeDrive] of [
    ['message', driveMessages],
    ['transaction in its hot form', driveTransactions],
  ] as const) {
    it(`a ${what} leaves less than ${bytesPerItemMax} bytes`, async (context) => {
      const transports = [memory({ network: createMemoryNetwork() })];
      const pair = await openPair(transports, 'memory://hub/items');
      const bytes = await bytesPerStep(makeDrive(pair, new Payloads(seed)), pollEffort);
      context.diagnostic(`${bytes.toFixed(3)} bytes per ${what}`);
      await closePair(pair);
      assert(bytes < bytesPerItemMax, `${bytes.toFixed(3)} bytes, IDC_SEED=${seed}`);
    });
  }
});
