/** The cases of remote buffers: who stands beside them, and that each kind is measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Case } from '../cases.js';
import type { Start } from '../contender.js';
import { startNearEnd } from '../near-end-process.js';
import { peers } from '../peers/index.js';
import { peersBeside } from '../run-case.js';
import { transferCases } from './transfer-cases.js';

function caseOf(name: string): Case {
  const found = transferCases.find((candidate) => candidate.name === name);
  assert(found, name);
  return found;
}

for (const [name, beside] of [
  ['memory/narrow', []],
  ['ring-process/transfer-1MiB:map', ['memmove', 'ucx-put-shm']],
  ['ring-process/transfer-64:copy', ['memmove', 'ucx-put-shm']],
  ['ring-process/register-transfer-4KiB:map', []],
  ['tcp/transfer-1MiB', ['net', 'ucx-tag-tcp', 'ucx-am-tcp']],
  ['tcp/transfer-4KiB-random-read', []],
  ['tcp/transaction-64-beside-transfer', ['unloaded', 'net-beside']],
] as const) {
  test(`beside ${name}: ${beside.length === 0 ? 'nobody' : beside.join(', ')}`, () => {
    const names = peersBeside(caseOf(name), peers).map((peer) => peer.name);
    assert.deepEqual(names, beside);
  });
}

async function assertMeasures(start: Start): Promise<void> {
  assert(start.kind === 'ready', JSON.stringify(start));
  const { contender } = start;
  try {
    const figures = await contender.run();
    assert(figures.length > 0);
    for (const { value } of figures) assert(Number.isFinite(value) && value > 0);
  } finally {
    await contender.stop();
  }
}

for (const name of [
  'memory/register-unregister',
  'memory/narrow',
  'memory/check-seen-before',
  'ring-process/transfer-64:map',
  'ring-process/transfer-1MiB:copy',
  'ring-process/register-transfer-4KiB:map',
  'tcp/transfer-4KiB-random-read',
  'tcp/transaction-64-beside-transfer',
]) {
  test(`${name}: a run of it gives figures`, async () => {
    await assertMeasures(await caseOf(name).start());
  });
}

test('net-beside: a run of it gives figures', async () => {
  const workload = 'transaction-64-beside-transfer';
  await assertMeasures(await startNearEnd({ subject: 'net-beside', workload, variant: 'plain' }));
});

test('memmove: a run of it gives figures', async () => {
  const job = { subject: 'memmove', workload: 'transfer-1MiB', variant: 'plain' } as const;
  await assertMeasures(await startNearEnd(job));
});
