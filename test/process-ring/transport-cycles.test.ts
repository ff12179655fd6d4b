/**
 * Endpoints that come and go leave nothing, and one whose peer was stopped is destroyed in time.
 * `IDC_CYCLES=100000` for more of them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { createDomain } from 'idc';

import { ring } from '../../transports/ring/index.js';
import { turnEventLoop } from '../compliance/harness.js';
import { guard } from '../process/watchdog.js';
import { lookAtHoldings, residentBytes } from '../unit/ring-memory-rig.js';
import { Flood } from './transport-flood.js';
import { freshAddress, limits, PeerProcess, quota, ringOptions, until } from './transport-peer.js';

const cyclesDefault = 1000;
const cycleCount = Number(process.env['IDC_CYCLES'] ?? cyclesDefault);
/** The first ones make the process as large as it has to be. */
const warmCycles = 300;
const grownBytesMax = 32 * 2 ** 20;
const idleMs = 500;

/** Descriptors of the kinds that a ring uses. */
function held(lines: readonly string[]): string[] {
  return lines.filter((line) => /memfd|socket/u.test(line));
}

test(`${cycleCount} endpoints one after another leave nothing`, async () => {
  const tiny = { messages: 1, messageBytes: 64, transactions: 1, parameterBytes: 64 };
  const options = { quota: tiny, limits };
  const atFirst = lookAtHoldings();
  const back = createDomain({ name: 'back', transports: [ring(ringOptions)], ...options });
  const front = createDomain({ name: 'front', transports: [ring(ringOptions)], ...options });
  const address = freshAddress();
  await back.listen(address, () => ({}), { forgetMs: 1 }).ready;
  let residentBefore = 0;
  let before = atFirst;
  for (let cycle = 0; cycle < warmCycles + cycleCount; cycle++) {
    if (cycle === warmCycles) {
      globalThis.gc?.();
      before = lookAtHoldings();
      residentBefore = residentBytes();
    }
    await new Promise<void>((resolve) => {
      const endpoint = front.createEndpoint(address, {
        connect: () => {
          void endpoint.destroy().then(resolve);
        },
      });
    });
  }
  globalThis.gc?.();
  const grownBytes = residentBytes() - residentBefore;
  assert.ok(grownBytes < grownBytesMax, `grown by ${grownBytes} bytes`);
  const between = lookAtHoldings();
  assert.ok(between.memfdMappings <= before.memfdMappings + 4, 'mappings do not add up');
  assert.ok(between.descriptors.length <= before.descriptors.length + 4, 'nor do descriptors');
  await front.close();
  await back.close();
  await turnEventLoop();
  const after = lookAtHoldings();
  assert.equal(after.memfdMappings, atFirst.memfdMappings);
  assert.deepEqual(held(after.descriptors), held(atFirst.descriptors));
});

test('an endpoint whose peer is stopped is destroyed without it', async (context) => {
  const peer = new PeerProcess();
  const transports = [ring(ringOptions)];
  // Nobody's silence is noticed, so that nothing but its own limits ends the wait.
  const endless = { ...limits, keepAliveMs: 3_600_000 };
  const domain = createDomain({ name: 'near', transports, quota, limits: endless });
  context.after(async () => {
    await peer.kill();
    await domain.close();
  });
  const before = lookAtHoldings().memfdMappings;
  const flood = new Flood(1);
  const address = freshAddress();
  await peer.start({ role: 'listen', address, task: 'flood', yields: true, seed: 2 });
  const endpoint = domain.createEndpoint(address, flood.handlers);
  await until('both talk', () => flood.receivedCount > 100);
  peer.signal('SIGSTOP');
  await guard(endpoint.destroy(), () => endpoint.explain());
  assert.equal(lookAtHoldings().memfdMappings, before);
});

test('a parked process makes no system call while nothing happens', async (context) => {
  const peer = new PeerProcess();
  const transports = [ring(ringOptions)];
  const calm = { ...limits, keepAliveMs: 60_000 };
  const domain = createDomain({ name: 'near', transports, wait: 'park', quota, limits: calm });
  context.after(async () => {
    await peer.kill();
    await domain.close();
  });
  const address = freshAddress();
  await peer.start({ role: 'listen', address, task: 'answer', yields: true, seed: 1 });
  const endpoint = domain.createEndpoint(address, {});
  await until('connected', () => endpoint.state === 'connected');
  await endpoint.submitTransaction(Uint8Array.of(1));
  // The time that passes is what is measured; in the first spans the process may settle down.
  for (let span = 0; span < 6; span++) {
    const wakes = peer.countWakes();
    await pause(idleMs);
    if (peer.countWakes() === wakes) return;
  }
  assert.fail('it woke in every span');
});

/** Or the file of a process would be read wrongly all the time. */
test('a process that works is seen to wake', async () => {
  const read = (): string => readFileSync('/proc/self/status', 'latin1');
  const count = (): number => Number(/^voluntary_ctxt_switches:\s*(\d+)/mu.exec(read())?.[1]);
  const before = count();
  // A pause that is over before the process comes to wait for it is no wait.
  while (count() === before) await pause(1);
});
