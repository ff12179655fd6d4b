/** Threads of one process over rings, in mapped and in shared memory; their ends are noticed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { createDomain } from 'idc';

import { ring } from '../../transports/ring/index.js';
import { turnEventLoop } from '../compliance/harness.js';
import { createRandom, seedOfThisRun } from '../compliance/random.js';
import { lookAtHoldings } from '../unit/ring-memory-rig.js';
import { Flood } from './transport-flood.js';
import { freshAddress, limits, quota, until } from './transport-peer.js';
import type { ThreadOptions } from './transport-thread-main.js';

const main = new URL('transport-thread-main.js', import.meta.url);
const recordCount = 2000;
const threadCount = 3;
const mappingsPerLink = 2;

for (const memory of ['mapped', 'shared'] as const) {
  test(`${memory}: threads exchange records, end in order or are terminated`, async (context) => {
    const seed = seedOfThisRun();
    context.diagnostic(`IDC_SEED=${seed}`);
    const random = createRandom(seed);
    const before = lookAtHoldings().memfdMappings;
    const transports = [ring({ ringBytes: 16 * 1024, memory })];
    const domain = createDomain({ name: 'main', transports, quota, limits });
    const address = freshAddress();
    const floods: Flood[] = [];
    const listener = domain.listen(
      address,
      () => {
        const flood = new Flood(random());
        floods.push(flood);
        return flood.handlers;
      },
      { forgetMs: 10 },
    );
    await listener.ready;
    const threads = Array.from({ length: threadCount }, (_, index) => {
      const workerData: ThreadOptions = { address, memory, seed: seed + index };
      return new Worker(main, { workerData });
    });
    context.after(async () => {
      for (const thread of threads) await thread.terminate();
      await domain.close();
    });
    await until('all talk', () => {
      return floods.length === threadCount && floods.every((f) => f.receivedCount > recordCount);
    });
    const [orderly, ...others] = threads;
    orderly?.postMessage('close');
    await until('one has left', () => floods.some(({ isConnected }) => !isConnected));
    const left = floods.filter(({ isConnected }) => !isConnected);
    assert.deepEqual(
      left.map(({ disconnects }) => disconnects.map(({ reason }) => reason)),
      [['DESTROYED']],
    );
    if (orderly !== undefined) await once(orderly, 'exit');
    for (const thread of others) {
      const count = floods.filter(({ isConnected }) => isConnected).length;
      await thread.terminate();
      await until('its end is noticed', () => {
        return floods.filter(({ isConnected }) => isConnected).length === count - 1;
      });
    }
    // That of a thread which is gone was noticed at once: by silence it would be SILENT.
    const reasons = floods.flatMap(({ disconnects }) => disconnects.map(({ reason }) => reason));
    const ends = others.map(() => 'DISCONNECTED');
    assert.deepEqual(reasons.sort(), ['DESTROYED', ...ends].sort());
    await domain.close();
    await turnEventLoop();
    // Of a thread that was terminated the process keeps what the thread itself had mapped.
    const kept = memory === 'mapped' ? mappingsPerLink * others.length : 0;
    assert.ok(lookAtHoldings().memfdMappings <= before + kept);
  });
}
