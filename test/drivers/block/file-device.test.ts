/** What is a file's own: sparseness, opening, stable storage, and files that others change. */
import assert from 'node:assert/strict';
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { BlockError, openFileDevice } from '../../../drivers/block/index.js';
import { FileDevice } from '../../../drivers/block/file/file-device.js';
import { blockErrorOf } from '../../../drivers/block/file/file-transfer.js';
import { FileCalls } from '../../../drivers/block/file/file-calls.js';
import { Patience } from '../../../drivers/block/file/patience.js';
import { SharedFlush } from '../../../drivers/block/file/shared-flush.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { codeOf, readFrom, wholeStatus } from './device-suite.js';

const mebibyte = 1 << 20;

async function makePath(context: TestContext): Promise<string> {
  return `${await makeTemporaryFolder(context)}/disk.img`;
}

/** What the file takes on the disk, in bytes. */
async function allocatedBytes(path: string): Promise<number> {
  return (await stat(path)).blocks * 512;
}

describe('opening a file', () => {
  it('makes a sparse one if there is none, and keeps one that is there', async (context) => {
    const path = await makePath(context);
    const made = await openFileDevice(path, { createBytes: 64 * mebibyte });
    assert.equal(made.byteLength, 64 * mebibyte);
    assert.ok((await allocatedBytes(path)) < mebibyte);
    await made.write(5, Buffer.from('kept'));
    await made.close();
    const found = await openFileDevice(path, { createBytes: 128 * mebibyte });
    assert.equal(found.byteLength, 64 * mebibyte);
    assert.equal(Buffer.from(await readFrom(found, 5, 4)).toString(), 'kept');
    await found.close();
  });

  it('refuses what is missing, a folder, and a part of a block', async (context) => {
    const path = await makePath(context);
    assert.equal(await codeOf(() => openFileDevice(path)), 'FAILED');
    assert.equal(await codeOf(() => openFileDevice('/dev/null')), 'FAILED');
    assert.equal(await codeOf(() => openFileDevice(`${path}/..`)), 'FAILED');
    await writeFile(path, Buffer.alloc(1000));
    assert.equal(await codeOf(() => openFileDevice(path, { blockBytes: 512 })), 'MISALIGNED');
    const device = await openFileDevice(path);
    assert.equal(device.byteLength, 1000);
    await device.close();
  });

  it('for reading alone refuses every change', async (context) => {
    const path = await makePath(context);
    await writeFile(path, 'unchanged');
    const device = await openFileDevice(path, { isReadOnly: true });
    assert.equal(await codeOf(() => device.write(0, Buffer.alloc(1))), 'READ_ONLY');
    assert.equal(await codeOf(() => device.discard(0, 1)), 'READ_ONLY');
    assert.equal(await codeOf(() => device.writeZeroes(0, 1)), 'READ_ONLY');
    assert.equal(await codeOf(() => device.resize(0)), 'READ_ONLY');
    assert.equal(await codeOf(() => device.flush()), 'complete');
    await device.close();
    assert.equal((await readFile(path)).toString(), 'unchanged');
  });
});

describe("a file's room", () => {
  it('is given back by a discard and by zeroes that may discard', async (context) => {
    const path = await makePath(context);
    const device = await openFileDevice(path, { createBytes: 4 * mebibyte });
    await device.write(0, Buffer.alloc(4 * mebibyte, 1));
    await device.flush();
    const full = await allocatedBytes(path);
    await device.discard(0, mebibyte);
    await device.writeZeroes(2 * mebibyte, mebibyte, { mayDiscard: true });
    const left = await allocatedBytes(path);
    assert.ok(left <= full - 2 * mebibyte, `${left} of ${full}`);
    const data = { isHole: false, isZero: false };
    const hole = { isHole: true, isZero: true };
    assert.deepEqual(await wholeStatus(device, 0, 4 * mebibyte), [
      { byteLength: mebibyte, ...hole },
      { byteLength: mebibyte, ...data },
      { byteLength: mebibyte, ...hole },
      { byteLength: mebibyte, ...data },
    ]);
    await device.close();
  });

  it('is kept by zeroes that may not discard', async (context) => {
    const path = await makePath(context);
    const device = await openFileDevice(path, { createBytes: 4 * mebibyte });
    await device.write(0, Buffer.alloc(4 * mebibyte, 1));
    await device.flush();
    await device.writeZeroes(0, 4 * mebibyte);
    assert.ok((await allocatedBytes(path)) >= 4 * mebibyte);
    assert.deepEqual(await readFrom(device, mebibyte, 10), new Uint8Array(10));
    await device.close();
  });

  it('is not known without the C library: all is data, a discard does nothing', async (context) => {
    const path = await makePath(context);
    const device = await openFileDevice(path, { createBytes: mebibyte, native: false });
    await device.write(0, Buffer.alloc(10, 1));
    await device.discard(0, 10);
    assert.deepEqual(await readFrom(device, 0, 10), new Uint8Array(10).fill(1));
    assert.deepEqual(await device.status(0, mebibyte), [
      { byteLength: mebibyte, isHole: false, isZero: false },
    ]);
    await device.close();
  });

  it('has extents of whole blocks: one with a byte of data is data', async (context) => {
    const path = await makePath(context);
    const device = await openFileDevice(path, { createBytes: mebibyte, blockBytes: 65_536 });
    const file = await open(path, 'r+');
    await file.write(Buffer.from([1]), 0, 1, 3 * 65_536 + 20_000);
    await file.close();
    assert.deepEqual(await wholeStatus(device, 65_536, 5 * 65_536), [
      { byteLength: 2 * 65_536, isHole: true, isZero: true },
      { byteLength: 65_536, isHole: false, isZero: false },
      { byteLength: 2 * 65_536, isHole: true, isZero: true },
    ]);
    await device.close();
  });
});

describe('the size of a file', () => {
  it('changes in turn, is told, and what was cut off reads as zeroes', async (context) => {
    const path = await makePath(context);
    const device = await openFileDevice(path, { createBytes: mebibyte });
    const sizes: number[] = [];
    device.resize$.subscribe((size) => sizes.push(size));
    await device.write(0, Buffer.alloc(mebibyte, 1));
    const shrinking = device.resize(4096);
    const growing = device.resize(8192);
    await Promise.all([shrinking, growing, device.resize(8192)]);
    assert.deepEqual(sizes, [4096, 8192]);
    assert.equal((await stat(path)).size, 8192);
    assert.deepEqual(await readFrom(device, 4096, 4096), new Uint8Array(4096));
    assert.deepEqual(await readFrom(device, 4095, 1), new Uint8Array(1).fill(1));
    await device.close();
  });

  it('shrinks only when what was begun before is complete', async (context) => {
    const path = await makePath(context);
    const device = await openFileDevice(path, { createBytes: 8 * mebibyte });
    const written = codeOf(() => device.write(0, Buffer.alloc(8 * mebibyte, 1), { fua: true }));
    await device.resize(4096);
    assert.equal(await written, 'complete');
    assert.equal((await stat(path)).size, 4096);
    await device.close();
  });

  it('that somebody else cut makes reads of what is missing fail', async (context) => {
    const path = await makePath(context);
    const device = await openFileDevice(path, { createBytes: mebibyte });
    await truncate(path, 5000);
    assert.equal(await codeOf(() => device.read(4096, Buffer.alloc(4096))), 'FAILED');
    assert.equal(await codeOf(() => device.read(0, Buffer.alloc(mebibyte))), 'FAILED');
    assert.equal(await codeOf(() => device.read(0, Buffer.alloc(5000))), 'complete');
    await device.close();
  });
});

describe('errors of the system', () => {
  it('end an operation, and the device goes on', async (context) => {
    const path = await makePath(context);
    await writeFile(path, Buffer.alloc(65_536, 1));
    // The system knows that it may only be read; the device does not.
    const traits = { blockBytes: 1, isReadOnly: false, calls: FileCalls.load() };
    const device = new FileDevice(await open(path, 'r'), 65_536, traits);
    assert.equal(await codeOf(() => device.write(0, Buffer.alloc(512))), 'FAILED');
    assert.equal(await codeOf(() => device.write(0, Buffer.alloc(65_536))), 'FAILED');
    assert.equal(await codeOf(() => device.write(0, Buffer.alloc(512), { fua: true })), 'FAILED');
    assert.equal(await codeOf(() => device.writeZeroes(0, 512)), 'FAILED');
    assert.equal(await codeOf(() => device.discard(0, 512)), 'complete');
    assert.equal(await codeOf(() => device.resize(512)), 'FAILED');
    assert.equal(device.byteLength, 65_536);
    assert.equal(await codeOf(() => device.read(65_000, Buffer.alloc(512))), 'complete');
    await device.close();
  });

  it('are NO_SPACE where there is no room, otherwise FAILED, and keep their cause', () => {
    for (const [code, expected] of [
      ['ENOSPC', 'NO_SPACE'],
      ['EDQUOT', 'NO_SPACE'],
      ['EFBIG', 'NO_SPACE'],
      ['EIO', 'FAILED'],
    ]) {
      const cause = Object.assign(new Error('as it is'), { code });
      const error = blockErrorOf(cause, 'write');
      assert.ok(error instanceof BlockError);
      assert.deepEqual([error.code, error.cause], [expected, cause]);
    }
  });
});

describe('patience with the storage', () => {
  it('a call that waited is paid back a hundred times, one that did not costs nothing', () => {
    const patience = new Patience();
    assert.ok(patience.allows(0));
    patience.spent(10, 11);
    assert.ok(patience.allows(11));
    patience.spent(20, 25);
    assert.ok(!patience.allows(25));
    assert.ok(!patience.allows(524));
    assert.ok(patience.allows(525));
  });

  it('a call that was long without a wait costs nothing', () => {
    let waitCount = 7;
    const patience = new Patience(() => waitCount);
    assert.ok(patience.allows(0));
    patience.spent(0, 5);
    assert.ok(patience.allows(5));
    patience.spent(5, 6);
    // Waits between two calls are not theirs.
    waitCount = 8;
    assert.ok(patience.allows(10));
    patience.spent(10, 15);
    assert.ok(patience.allows(15));
    waitCount = 9;
    patience.spent(15, 20);
    assert.ok(!patience.allows(519));
    assert.ok(patience.allows(520));
  });

  it('the waits of a thread are told from its work', () => {
    const calls = FileCalls.load();
    if (calls === undefined) return;
    const before = calls.threadWaits();
    const word = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(word, 0, 0, 1);
    const after = calls.threadWaits();
    assert.ok(after > before, `${after} after ${before}`);
  });
});

describe('flushes that are shared', () => {
  /** Each call of the flush waits until the test ends it. */
  const makeFlush = (): { flush: SharedFlush; ends: ((error?: Error) => void)[] } => {
    const ends: ((error?: Error) => void)[] = [];
    const flush = new SharedFlush(
      () =>
        new Promise((resolve, reject) => {
          ends.push((error) => (error === undefined ? resolve() : reject(error)));
        }),
    );
    return { flush, ends };
  };

  it('whoever asks during one waits for the next, all for the same', async () => {
    const { flush, ends } = makeFlush();
    const order: string[] = [];
    const first = flush.run().then(() => order.push('first'));
    const others = ['second', 'third'].map((name) => flush.run().then(() => order.push(name)));
    assert.equal(ends.length, 1);
    ends[0]?.();
    await first;
    await turns();
    assert.deepEqual([order, ends.length], [['first'], 2]);
    ends[1]?.();
    await Promise.all(others);
    assert.deepEqual([order, ends.length], [['first', 'second', 'third'], 2]);
  });

  it('after one has failed each fails, and none is tried again', async () => {
    const { flush, ends } = makeFlush();
    const outcomes = [flush.run(), flush.run()].map((one) => one.catch(String));
    ends[0]?.(new Error('lost'));
    assert.deepEqual(await Promise.all(outcomes), ['Error: lost', 'Error: lost']);
    assert.equal(await flush.run().catch(String), 'Error: lost');
    assert.equal(ends.length, 1);
  });

  async function turns(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
});
