/**
 * The allocation budget of the ring: nothing for each message and nothing for each transaction in
 * steady state, in poll mode, in mapped memory and in SharedArrayBuffers, with random lengths from
 * 1 to 512. As over memory, both ends are counted, and what is left is made for each turn.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ring } from 'idc/ring';
import { seedOfThisRun } from '../compliance/random.js';
import { bytesPerStep, Payloads } from './measure.js';
import { closePair, openPair } from './pair.js';
import { driveMessages, driveTransactions, pollEffort } from './poll-drives.js';

/**
 * The smallest object takes 16 bytes, so less than 8 means that not even every second item makes
 * one. Measured: 0.1 for a message and 0.4 for a transaction; in one process of ten on a busy
 * machine the compiler settled for 2.7 to 5.3 for a transaction (Node 20.20.2).
 */
const bytesPerItemMax = 8;

for (const memory of ['mapped', 'shared'] as const) {
  describe(`allocation in steady state, ring in ${memory} memory`, () => {
    const seed = seedOfThisRun();

    for (const [what, makeDrive] of [
      ['message', driveMessages],
      ['transaction in its hot form', driveTransactions],
    ] as const) {
      it(`a ${what} leaves less than ${bytesPerItemMax} bytes`, async (context) => {
        const address = `ring://idc-budget-${process.pid}/items`;
        const pair = await openPair([ring({ memory })], address);
        const bytes = await bytesPerStep(makeDrive(pair, new Payloads(seed)), pollEffort);
        context.diagnostic(`${bytes.toFixed(3)} bytes per ${what}`);
        await closePair(pair);
        assert(bytes < bytesPerItemMax, `${bytes.toFixed(3)} bytes, IDC_SEED=${seed}`);
      });
    }
  });
}
