/**
 * Two threads hammer one ring: numbered, checksummed records of every size, with doorbells and
 * without. `IDC_HAMMER_SECONDS` makes it longer.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import { seedOfThisRun } from '../compliance/random.js';
import { Control, memoryBytes, viewMemory } from '../../transports/ring/ring-layout.js';
import type { HammerJob, HammerResult } from './ring-hammer-side.js';

const secondsInAll = Number(process.env['IDC_HAMMER_SECONDS'] ?? '3');

interface HammerCase {
  readonly name: string;
  readonly ringBytes: number;
  readonly sleeps: boolean;
}

const cases: readonly HammerCase[] = [
  { name: 'a large ring, sleeping', ringBytes: 65_536, sleeps: true },
  { name: 'a small ring, sleeping', ringBytes: 256, sleeps: true },
  { name: 'a large ring, never sleeping', ringBytes: 65_536, sleeps: false },
  { name: 'a small ring, never sleeping', ringBytes: 256, sleeps: false },
];

/** As of a ring that has run for long: its positions pass 2^31 or 2^32 among the first records. */
function makeMemory(ringBytes: number, seed: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(memoryBytes(ringBytes));
  const { control } = viewMemory(buffer, ringBytes);
  const start = (seed & 1) === 0 ? -1024 : 2 ** 31 - 1024;
  control[Control.Produced] = start;
  control[Control.Consumed] = start;
  return buffer;
}

function runSide(job: HammerJob): Promise<HammerResult> {
  const worker = new Worker(new URL('./ring-hammer-side.js', import.meta.url), { workerData: job });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('two threads and a ring', () => {
  for (const { name, ringBytes, sleeps } of cases) {
    it(`${name}: every record arrives once, whole, in order`, async () => {
      const seed = seedOfThisRun();
      const writer = makeMemory(ringBytes, seed);
      const reader = makeMemory(ringBytes, seed);
      const bells = new SharedArrayBuffer(8);
      const runMs = (secondsInAll * 1000) / cases.length;
      const common = { ringBytes, sleeps, bells, seed, runMs };
      const [sent, received] = await Promise.all([
        runSide({ ...common, sends: true, own: writer, peer: reader }),
        runSide({ ...common, sends: false, own: reader, peer: writer }),
      ]);
      assert.deepEqual(
        [received.records, received.bytes, received.fault],
        [sent.records, sent.bytes, ''],
      );
      assert.equal(sent.fault, '');
      assert.ok(sent.records >= 200, `only ${sent.records} records`);
      if (sleeps) assert.ok(sent.rings + received.rings > 0, 'nobody was ever rung for');
      assert.ok(sent.rings <= received.sleeps && received.rings <= sent.sleeps);
    });
  }
});
