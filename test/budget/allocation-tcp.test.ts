/**
 * The allocation budget of TCP: something for each flush, nothing for each message. Both ends live
 * in this process, so a batch of messages is what both allocate for the write, the read, the credit
 * that comes back, and the turns of the event loop in between, random lengths from 1 to 512.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Endpoint } from 'idc';
import { tcp } from 'idc/tcp';
import { seedOfThisRun } from '../compliance/random.js';
import { bytesPerStep, Payloads } from './measure.js';
import { closePair, openPair } from './pair.js';

const smallBatch = 8;
const largeBatch = 240;
const effort = { warmUpSteps: 3000, stepsPerRound: 60 };
/**
 * For one batch of either size. Measured 4,400 to 6,300 (Node 20.20.2): for 240 messages about 26
 * bytes each, for a single one all of it.
 */
const bytesPerFlushMax = 16_384;
/**
 * What each further message may add. Measured up to 13, since a large batch takes more than one
 * read and one credit; a view, the least that a message of its own would need, takes over 100.
 */
const bytesPerMessageMax = 32;

/** One step is one batch, submitted in one turn and waited for. */
function driveBatches(
  endpoint: Endpoint,
  payloads: Payloads,
  batch: number,
): (count: number) => Promise<void> {
  return async (count) => {
    for (let step = 0; step < count; step++) {
      for (let index = 0; index < batch; index++) {
        assert(endpoint.submitMessage(payloads.current) >= 0, 'a batch fits the quota');
        payloads.advance();
      }
      await endpoint.whenFlushed();
    }
  };
}

describe('allocation in steady state, tcp', () => {
  it(`at most ${bytesPerFlushMax} bytes for a flush, none for a message`, async (context) => {
    const seed = seedOfThisRun();
    const pair = await openPair([tcp()], 'tcp://127.0.0.1:0/items');
    const payloads = new Payloads(seed);
    const measure = (batch: number): Promise<number> =>
      bytesPerStep(driveBatches(pair.endpoint, payloads, batch), effort);
    await driveBatches(pair.endpoint, payloads, largeBatch)(effort.warmUpSteps);
    const small = await measure(smallBatch);
    const large = await measure(largeBatch);
    await closePair(pair);
    const perMessage = (large - small) / (largeBatch - smallBatch);
    context.diagnostic(`a flush of ${smallBatch}: ${small.toFixed(0)} bytes`);
    context.diagnostic(`a flush of ${largeBatch}: ${large.toFixed(0)} bytes`);
    context.diagnostic(`each further message: ${perMessage.toFixed(2)} bytes`);
    assert(large <= bytesPerFlushMax, `${large.toFixed(0)} bytes for a flush, IDC_SEED=${seed}`);
    assert(perMessage < bytesPerMessageMax, `${perMessage.toFixed(2)} bytes, IDC_SEED=${seed}`);
  });
});
