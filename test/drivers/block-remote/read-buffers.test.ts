/** The memory that a back end reads into for short reads: bounded, and never shared. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BlockError,
  createMemoryDevice,
  ForwardingDevice,
  type BlockDevice,
  type Done,
  type RemoteDevice,
} from '../../../drivers/block/index.js';
import { codeOf } from '../block/device-suite.js';
import { Stage } from './stage.js';

const blockBytes = 512;
const blockCount = 200;
/** More than the back end reads at a time for one front end. */
const counts = { transactions: blockCount };
const readsMax = 64;

/** Holds its reads until `release`, and knows into what memory they went. */
class StallingDevice extends ForwardingDevice {
  readonly memories = new Set<ArrayBufferLike>();
  readonly underWay = new Set<ArrayBufferLike>();
  #isStalled = Promise.resolve();
  release: () => void = () => undefined;

  stall(): void {
    this.#isStalled = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  override async read(offset: number, target: Uint8Array): Promise<void> {
    const memory = target.buffer;
    assert.ok(!this.underWay.has(memory), 'two reads have one memory');
    this.memories.add(memory);
    this.underWay.add(memory);
    await this.#isStalled;
    await super.read(offset, target);
    this.underWay.delete(memory);
    if (offset === 0) throw new BlockError('FAILED', 'the first block is broken');
  }
}

/** Each block holds its number. */
async function makeNumbered(): Promise<BlockDevice> {
  const disk = createMemoryDevice({ byteLength: blockCount * blockBytes, blockBytes });
  for (let block = 0; block < blockCount; block++) {
    await disk.write(block * blockBytes, Buffer.alloc(blockBytes, block));
  }
  return disk;
}

async function readBlock(device: RemoteDevice, block: number): Promise<void> {
  const target = Buffer.alloc(blockBytes, 0xff);
  const outcome = await codeOf((): Done => device.read(block * blockBytes, target));
  assert.equal(outcome, block === 0 ? 'FAILED' : 'complete');
  if (block > 0) assert.deepEqual(target, Buffer.alloc(blockBytes, block));
}

describe('memory for reads at a back end', () => {
  it('is each read’s own, and no more of it is made for more reads', async () => {
    const stage = new Stage('memory', 'reads');
    try {
      const disk = new StallingDevice(await makeNumbered());
      await stage.serve(disk, { counts });
      const device = await stage.open({ counts });
      for (let round = 0; round < 3; round++) {
        disk.stall();
        const reads = Array.from({ length: blockCount - 1 }, (_, block) =>
          readBlock(device, block),
        );
        await device.flush(); // The back end has taken on all reads before it.
        assert.equal(disk.underWay.size, readsMax);
        disk.release();
        await Promise.all(reads);
        assert.equal(disk.underWay.size, 0);
      }
      assert.equal(disk.memories.size, readsMax);
    } finally {
      await stage.close();
    }
  });
});
