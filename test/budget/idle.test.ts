/**
 * The idle budget: an idle domain wakes for its keep-alive and for nothing else, once in each
 * interval for each peer domain, however many endpoints lead there.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDomain, type WaitStrategy } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { VirtualRuntime } from '../unit/virtual-runtime.js';

const keepAliveMs = 2000;
const idleMs = 600_000;

/** Wake-ups of two connected domains in `idleMs`, with so many endpoints between them. */
function countWakes(endpointCount: number, wait: WaitStrategy): number {
  const runtime = new VirtualRuntime();
  const transports = [memory({ network: createMemoryNetwork() })];
  const quota = { messages: 1, messageBytes: 8, transactions: 1, parameterBytes: 8 };
  const options = { transports, runtime, wait, adaptiveMs: 0, limits: { keepAliveMs }, quota };
  const back = createDomain({ name: 'back', ...options });
  back.listen('memory://idle/service', () => ({ transaction: (item) => item.complete() }));
  const front = createDomain({ name: 'front', ...options });
  let settled = 0;
  for (let count = 0; count < endpointCount; count++) {
    front.createEndpoint('memory://idle/service', {
      connect: (endpoint) => {
        // Something happened before it was quiet; its time limit is still armed.
        endpoint.transact(new Uint8Array(1), () => settled++, undefined);
      },
    });
  }
  runtime.advance(60_000);
  assert.equal(settled, endpointCount);
  const before = runtime.timersFired;
  runtime.advance(idleMs);
  const wakes = runtime.timersFired - before;
  assert.equal(settled, endpointCount);
  return wakes;
}

describe('idle domains', () => {
  for (const wait of ['park', 'adaptive'] as const) {
    it(`${wait}: 100 endpoints wake each side once in a keep-alive interval`, (context) => {
      const wakes = countWakes(100, wait);
      context.diagnostic(`${wakes} wake-ups of two domains in ${idleMs / 1000} s`);
      assert(wakes <= (2 * idleMs) / keepAliveMs, `${wakes} wake-ups`);
      assert(wakes >= idleMs / keepAliveMs / 2, `${wakes} wake-ups: nobody looks after the peer`);
    });

    it(`${wait}: as many with one endpoint`, () => {
      assert.equal(countWakes(1, wait), countWakes(100, wait));
    });
  }
});
