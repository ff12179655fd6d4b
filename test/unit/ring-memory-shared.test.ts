/** Ring memory between threads: what is offered is checked as between processes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { openSharedMemory, SharedOwnMemory } from '../../transports/ring/shared-memory.js';
import { Control } from '../../transports/ring/ring-layout.js';
import { announce, makeToken, ringBytes } from './ring-memory-rig.js';

test('a peer opens what was made, and sees what its owner writes', () => {
  const own = new SharedOwnMemory(ringBytes, makeToken(1));
  const opening = openSharedMemory(own.buffer, announce(own));
  assert.equal(opening.outcome, 'opened');
  own.views.bytes[5] = 9;
  assert.equal(opening.memory.views.bytes[5], 9);
  opening.memory.release();
  own.release();
});

test('a thread sees it', async () => {
  const own = new SharedOwnMemory(ringBytes, makeToken(1));
  const source = `
    const { workerData } = require('node:worker_threads');
    const words = new Int32Array(workerData);
    Atomics.store(words, ${Control.Produced}, words[0]);`;
  const worker = new Worker(source, { eval: true, workerData: own.buffer });
  await new Promise((resolve) => worker.once('exit', resolve));
  const produced = Atomics.load(own.views.control, Control.Produced);
  assert.equal(produced, Atomics.load(own.views.control, Control.Magic));
});

test('what is no such buffer, or another than announced, is corrupt', () => {
  const own = new SharedOwnMemory(ringBytes, makeToken(1));
  const announcement = announce(own);
  const offers: unknown[] = [
    undefined,
    null,
    7,
    {},
    new ArrayBuffer(own.byteLength),
    new Uint8Array(own.buffer),
    new SharedArrayBuffer(own.byteLength),
    new SharedArrayBuffer(own.byteLength - 8),
    new SharedArrayBuffer(0),
    new SharedOwnMemory(ringBytes, makeToken(2)).buffer,
    new SharedOwnMemory(2 * ringBytes, makeToken(1)).buffer,
  ];
  for (const offer of offers) {
    assert.equal(openSharedMemory(offer, announcement).outcome, 'corrupt', String(offer));
  }
  const wrong = { ...announcement, ringBytes: 12_288, byteLength: 16_384 };
  assert.equal(openSharedMemory(own.buffer, wrong).outcome, 'corrupt');
});
