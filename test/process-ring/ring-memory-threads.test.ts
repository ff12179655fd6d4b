/** What a thread held is closed when it is terminated, so that its peers learn of its end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { EAGAIN } from '../../transports/ring/native.js';
import { acceptUnix, listenUnix } from '../../transports/ring/unix-socket.js';
import { lookAtHoldings, requireNative } from '../unit/ring-memory-rig.js';

test('what a terminated thread adopted is closed, and its peer hears it', async () => {
  const native = requireNative();
  const name = `ring-memory-threads-${process.pid}`;
  const listener = listenUnix(native, name);
  if (typeof listener === 'string') assert.fail(listener);
  const before = lookAtHoldings();
  const worker = new Worker(new URL('worker-main.js', import.meta.url), { workerData: name });
  const warnings: unknown[] = [];
  process.on('warning', (warning) => warnings.push(warning));
  // The thread posts one such object.
  const [report] = (await once(worker, 'message')) as [Record<string, unknown>];
  assert.equal(report['sent'], 1);
  assert.equal(report['isClosed'], true);
  assert.ok(Number(report['descriptor']) >= 0);
  const accepted = acceptUnix(native, listener.descriptor);
  assert.ok(typeof accepted === 'number');
  const target = new Uint8Array(4);
  assert.equal(native.receive(accepted, target), 1);
  assert.equal(native.receive(accepted, target), -EAGAIN);
  await worker.terminate();
  assert.equal(native.receive(accepted, target), 0);
  native.close(accepted);
  const held = (lines: readonly string[]): string[] =>
    lines.filter((line) => /memfd|socket/.test(line));
  assert.deepEqual(held(lookAtHoldings().descriptors), held(before.descriptors));
  assert.deepEqual(warnings, []);
  native.close(listener.descriptor);
});
