/** A ring transport lends memory, where it can, to whom its own links lead. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { createRuntime, type SharedMemory, type Transport } from '../../core/contract.js';
import { ring, type RingOptions } from '../../transports/ring/index.js';
import { mayPagesBeRefused } from '../../transports/ring/region-memory.js';
import { isFilledWith, regionBytes } from './ring-region-rig.js';
import { check } from './ring-transport-rig.js';
import { makeTemporaryFolder } from './temporary-folder.js';

function memoryOf({ memory }: Transport): SharedMemory {
  assert.ok(memory);
  return memory;
}

check('each end of a link maps what the other lends, by what the link says of it', async (rig) => {
  const { dialler, acceptor, dialling, listening } = await rig.pair();
  const ends = [
    { owning: dialling, holding: listening, seen: acceptor },
    { owning: listening, holding: dialling, seen: dialler },
  ];
  for (const { owning, holding, seen } of ends) {
    const region = memoryOf(owning.transport).allocate(regionBytes);
    assert.ok(typeof region === 'object');
    region.bytes.fill(3);
    assert.equal(region.share('readWrite'), undefined);
    assert.ok(seen.identity);
    const holder = memoryOf(holding.transport);
    const held = holder.map(seen.identity, region.describe(), regionBytes, 'readWrite');
    assert.ok(typeof held === 'object');
    assert.ok(held.enter());
    assert.ok(isFilledWith(held.bytes, 3));
    held.bytes.fill(4);
    assert.ok(held.leave());
    region.revoke();
    assert.ok(isFilledWith(region.bytes, 4));
    held.release();
    region.release();
  }
});

function create(options: RingOptions): Transport {
  return ring(options).create({ runtime: createRuntime(), wake: () => undefined });
}

test('rings in SharedArrayBuffers lend nothing, and say so', () => {
  const mapped = create({ memory: 'mapped' });
  assert.equal(mapped.capabilities.bulk, 'region');
  assert.ok(mapped.memory);
  const shared = create({ memory: 'shared' });
  assert.equal(shared.capabilities.bulk, 'inline');
  assert.equal(shared.memory, undefined);
});

test('where the kernel keeps account of every page, nothing is lent', async (context) => {
  const folder = await makeTemporaryFolder(context);
  const file = path.join(folder, 'overcommit');
  for (const [setting, expected] of [
    ['0\n', false],
    ['1\n', false],
    ['2\n', true],
  ] as const) {
    writeFileSync(file, setting);
    assert.equal(mayPagesBeRefused(file), expected);
  }
  assert.ok(mayPagesBeRefused(path.join(folder, 'none')));
});
