/** Every kind of block device runs the suite, and shows what is its own. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcAssertionError } from '../../../core/index.js';
import {
  countDevice,
  createMemoryDevice,
  ForwardingDevice,
  openFileDevice,
  sliceDevice,
  type BlockDevice,
} from '../../../drivers/block/index.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { codeOf, readFrom, runDeviceSuite, wholeStatus } from './device-suite.js';

runDeviceSuite({
  name: 'memory',
  make: (_, byteLength, blockBytes) => createMemoryDevice({ byteLength, blockBytes }),
});

runDeviceSuite({
  name: 'memory in small chunks',
  make: (_, byteLength, blockBytes) =>
    createMemoryDevice({ byteLength, blockBytes, chunkBytes: 512 }),
});

for (const native of [true, false]) {
  runDeviceSuite({
    name: `a file, ${native ? 'with' : 'without'} the C library's calls`,
    make: async (context, byteLength, blockBytes) => {
      const folder = await makeTemporaryFolder(context);
      const options = { createBytes: byteLength, blockBytes, native };
      return openFileDevice(`${folder}/disk.img`, options);
    },
  });
}

runDeviceSuite({
  name: 'a part of another',
  make: (_, byteLength, blockBytes) => {
    const whole = createMemoryDevice({ byteLength: byteLength + 10_240, blockBytes });
    return sliceDevice(whole, { offset: 5120, byteLength });
  },
});

runDeviceSuite({
  name: 'another that hands everything on',
  make: (_, byteLength, blockBytes) =>
    new ForwardingDevice(createMemoryDevice({ byteLength, blockBytes })),
});

runDeviceSuite({
  name: 'another that counts',
  make: (_, byteLength, blockBytes) => countDevice(createMemoryDevice({ byteLength, blockBytes })),
});

describe('memory', () => {
  it('takes memory for what was written alone, and gives back what was discarded', async () => {
    const device = createMemoryDevice({ byteLength: 2 ** 50, chunkBytes: 4096 });
    await device.write(2 ** 49 - 1, Buffer.from([1, 2]));
    assert.equal(device.allocatedBytes, 8192);
    assert.deepEqual([...(await readFrom(device, 2 ** 49 - 2, 4))], [0, 1, 2, 0]);
    await device.discard(2 ** 49, 4095);
    assert.equal(device.allocatedBytes, 8192);
    assert.deepEqual([...(await readFrom(device, 2 ** 49 - 1, 2))], [1, 0]);
    await device.discard(0, 2 ** 50);
    assert.equal(device.allocatedBytes, 0);
  });

  it('tells holes from data, chunk by chunk', async () => {
    const device = createMemoryDevice({ byteLength: 1 << 20, chunkBytes: 4096 });
    await device.write(8000, Buffer.alloc(1000, 1));
    const data = { isHole: false, isZero: false };
    const hole = { isHole: true, isZero: true };
    assert.deepEqual(await device.status(100, 20_000), [
      { byteLength: 3996, ...hole },
      { byteLength: 8192, ...data },
      { byteLength: 7812, ...hole },
    ]);
  });

  it('says NO_SPACE when its memory is used up, and takes what there is room for', async () => {
    const options = { byteLength: 65_536, chunkBytes: 4096, allocatedBytesMax: 8192 };
    const device = createMemoryDevice(options);
    await device.write(0, Buffer.alloc(8192, 1));
    assert.equal(await codeOf(() => device.write(8192, Buffer.alloc(1))), 'NO_SPACE');
    assert.equal(await codeOf(() => device.writeZeroes(8192, 1)), 'NO_SPACE');
    assert.equal(await codeOf(() => device.writeZeroes(8192, 1, { mayDiscard: true })), 'complete');
    await device.discard(0, 4096);
    assert.equal(await codeOf(() => device.write(8192, Buffer.alloc(4096, 2))), 'complete');
  });

  it('tells its new size, and what was cut off is gone', async () => {
    const device = createMemoryDevice({ byteLength: 10_240, blockBytes: 512 });
    const sizes: number[] = [];
    device.resize$.subscribe((size) => sizes.push(size));
    await device.write(0, Buffer.alloc(10_240, 4));
    device.resize(5120);
    assert.equal(await codeOf(() => device.read(5120, Buffer.alloc(512))), 'OUT_OF_RANGE');
    device.resize(5120);
    device.resize(20_480);
    assert.deepEqual(sizes, [5120, 20_480]);
    assert.deepEqual(await readFrom(device, 5120, 512), new Uint8Array(512));
    assert.deepEqual(await readFrom(device, 4608, 512), new Uint8Array(512).fill(4));
  });

  it('asserts that its geometry makes sense', () => {
    for (const options of [
      { byteLength: 1000, blockBytes: 512 },
      { byteLength: -1 },
      { byteLength: 1.5 },
      { byteLength: 2 ** 53 },
      { byteLength: 3000, blockBytes: 3 },
      { byteLength: 0, blockBytes: 131_072 },
      { byteLength: 4096, blockBytes: 4096, chunkBytes: 512 },
    ]) {
      assert.throws(() => createMemoryDevice(options), IdcAssertionError, JSON.stringify(options));
    }
  });
});

describe('a part of another device', () => {
  const makeWhole = (): BlockDevice & { resize(byteLength: number): void } =>
    createMemoryDevice({ byteLength: 4096, blockBytes: 512 });

  it('begins where it was told to, and nothing beyond it can be reached', async () => {
    const whole = makeWhole();
    const part = sliceDevice(whole, { offset: 512, byteLength: 1024 });
    await part.write(512, Buffer.alloc(512, 7));
    assert.deepEqual(await readFrom(whole, 1024, 512), new Uint8Array(512).fill(7));
    assert.equal(await codeOf(() => part.write(1024, Buffer.alloc(512))), 'OUT_OF_RANGE');
    assert.deepEqual(await wholeStatus(part, 0, 1024), [
      { byteLength: 1024, isHole: false, isZero: false },
    ]);
  });

  it('that is read-only refuses every change, and reads', async () => {
    const whole = makeWhole();
    await whole.write(0, Buffer.alloc(512, 7));
    const part = sliceDevice(whole, { isReadOnly: true });
    assert.equal(part.isReadOnly, true);
    assert.equal(await codeOf(() => part.write(0, Buffer.alloc(512))), 'READ_ONLY');
    assert.equal(await codeOf(() => part.discard(0, 512)), 'READ_ONLY');
    assert.equal(await codeOf(() => part.writeZeroes(0, 512)), 'READ_ONLY');
    assert.equal(await codeOf(() => part.flush()), 'complete');
    assert.deepEqual(await readFrom(part, 0, 512), new Uint8Array(512).fill(7));
    assert.equal(sliceDevice(part).isReadOnly, true);
  });

  it('follows the size of what is below, within its own', () => {
    const whole = makeWhole();
    const open = sliceDevice(whole, { offset: 512 });
    const bounded = sliceDevice(whole, { offset: 512, byteLength: 1024 });
    const sizes: number[][] = [[], []];
    open.resize$.subscribe((size) => sizes[0]?.push(size));
    bounded.resize$.subscribe((size) => sizes[1]?.push(size));
    for (const size of [8192, 1024, 512, 0, 4096]) whole.resize(size);
    assert.deepEqual(sizes, [
      [7680, 512, 0, 3584],
      [512, 0, 1024],
    ]);
  });

  it('leaves what is below open', async () => {
    const whole = makeWhole();
    await sliceDevice(whole).close();
    assert.equal(await codeOf(() => whole.flush()), 'complete');
  });

  it('asserts that it lies within', () => {
    assert.throws(() => sliceDevice(makeWhole(), { offset: 256 }), IdcAssertionError);
    assert.throws(() => sliceDevice(makeWhole(), { offset: 8192 }), IdcAssertionError);
    assert.throws(() => sliceDevice(makeWhole(), { byteLength: 4608 }), IdcAssertionError);
  });
});

describe('a device that counts', () => {
  it('counts what was begun, what failed and what is outstanding', async () => {
    const device = countDevice(createMemoryDevice({ byteLength: 4096 }));
    await device.write(0, Buffer.alloc(10), { fua: true });
    await device.write(0, Buffer.alloc(5));
    await device.read(0, Buffer.alloc(7));
    await device.flush();
    await device.discard(0, 100);
    await device.writeZeroes(0, 50, { fua: true });
    await device.status(0, 1);
    await codeOf(() => device.read(4096, Buffer.alloc(3)));
    assert.deepEqual(device.counts(), {
      reads: 2,
      readBytes: 10,
      writes: 2,
      writtenBytes: 15,
      fuas: 2,
      flushes: 1,
      discards: 1,
      discardedBytes: 100,
      zeroWrites: 1,
      zeroedBytes: 50,
      statuses: 1,
      failures: 1,
      outstanding: 0,
      outstandingMost: 1,
    });
  });
});
