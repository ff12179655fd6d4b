/**
 * BlockHistories: a register for each block of a device, and what its users wrote to and read from
 * them. Each block that is written gets a value that no block had before; it is repeated all over
 * the block, so that one which is of two writes is seen.
 */
import assert from 'node:assert/strict';
import type { BlockDevice, Done, WriteOptions } from '../../../drivers/block/index.js';
import { RegisterHistory } from '../kit/register-history.js';

export const blockBytes = 4096;

/** The blocks `first` to `first + count - 1`. */
export interface Blocks {
  readonly first: number;
  readonly count: number;
}

export class BlockHistories {
  readonly #histories: readonly RegisterHistory[];

  constructor(blockCount: number) {
    this.#histories = Array.from({ length: blockCount }, () => new RegisterHistory());
  }

  async write(device: BlockDevice, blocks: Blocks, options: WriteOptions): Promise<void> {
    const source = Buffer.alloc(blocks.count * blockBytes);
    const { promise, settle } = shared();
    const written = this.#of(blocks).map((history, index) =>
      history.write(
        (value) => {
          fillBlock(source, index, value);
          return promise;
        },
        // A device that recovers fails nobody.
        () => false,
      ),
    );
    settle(device.write(blocks.first * blockBytes, source, options));
    await Promise.all(written);
  }

  async read(device: BlockDevice, blocks: Blocks): Promise<void> {
    const target = Buffer.alloc(blocks.count * blockBytes, 0xff);
    const { promise, settle } = shared();
    const read = this.#of(blocks).map((history, index) =>
      history.read(async () => {
        await promise;
        return valueOf(target, index);
      }),
    );
    settle(device.read(blocks.first * blockBytes, target));
    await Promise.all(read);
  }

  /** Throws unless each block could have been one register that does one thing after another. */
  check(): void {
    for (const [index, history] of this.#histories.entries()) {
      assert.equal(history.problem(), undefined, `block ${index}`);
    }
  }

  #of({ first, count }: Blocks): readonly RegisterHistory[] {
    return this.#histories.slice(first, first + count);
  }
}

function fillBlock(bytes: Buffer, index: number, value: number): void {
  for (let place = 0; place < blockBytes; place += 4) {
    bytes.writeUInt32LE(value, index * blockBytes + place);
  }
}

function valueOf(bytes: Buffer, index: number): number {
  const block = bytes.subarray(index * blockBytes, (index + 1) * blockBytes);
  const value = block.readUInt32LE(0);
  for (let place = 4; place < blockBytes; place += 4) {
    assert.equal(block.readUInt32LE(place), value, 'a block of two writes');
  }
  return value;
}

/** An operation that begins after those who wait for it. */
function shared(): { readonly promise: Promise<void>; readonly settle: (done: Done) => void } {
  let settle: (done: Done) => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    settle = (done) => {
      resolve(done ?? undefined);
    };
  });
  return { promise, settle };
}
