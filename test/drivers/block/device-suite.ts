/** What every block device owes, whatever it is made of: one group of tests for each kind. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  BlockError,
  BlockErrorCode,
  type BlockDevice,
  type Done,
  type Extent,
} from '../../../drivers/block/index.js';
import { between, createRandom, randomBytes, seedOfThisRun } from '../../compliance/random.js';

export interface SuiteOptions {
  readonly name: string;
  /** All zeroes; the suite closes it. */
  readonly make: (
    context: TestContext,
    byteLength: number,
    blockBytes: number,
  ) => BlockDevice | Promise<BlockDevice>;
}

const byteLength = 300 * 1024;

/** The code with which an operation is refused. */
export async function codeOf(operation: () => Done | Promise<unknown>): Promise<string> {
  let result: Done | Promise<unknown>;
  try {
    result = operation();
  } catch (error) {
    assert.fail(`a method threw: ${String(error)}`);
  }
  try {
    await result;
  } catch (error) {
    assert.ok(error instanceof BlockError, String(error));
    return error.code;
  }
  return 'complete';
}

export async function readFrom(
  device: BlockDevice,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const target = new Uint8Array(length).fill(0xee);
  await device.read(offset, target);
  return target;
}

export function runDeviceSuite({ name, make }: SuiteOptions): void {
  const check = (
    fact: string,
    body: (device: BlockDevice, context: TestContext) => Promise<void>,
    blockBytes = 1,
  ): void => {
    it(fact, async (context) => {
      const device = await make(context, byteLength, blockBytes);
      try {
        await body(device, context);
      } finally {
        await device.close();
      }
    });
  };

  describe(`a block device of ${name}`, () => {
    runRangeTests(check);
    runZeroTests(check);
    runClosingTests(check);
    runRandomTests(check);
  });
}

type Check = (
  fact: string,
  body: (device: BlockDevice, context: TestContext) => Promise<void>,
  blockBytes?: number,
) => void;

function runRangeTests(check: Check): void {
  check('reads as zeroes at first', async (device) => {
    assert.equal(device.byteLength, byteLength);
    assert.deepEqual(await readFrom(device, 65_000, 10_000), new Uint8Array(10_000));
  });

  check('reads what was written, and nothing else changed', async (device) => {
    const bytes = randomBytes(createRandom(1), 150_001);
    await device.write(65_535, bytes);
    assert.deepEqual(await readFrom(device, 65_535, bytes.byteLength), bytes);
    assert.deepEqual([...(await readFrom(device, 65_534, 1))], [0]);
    assert.deepEqual([...(await readFrom(device, 65_535 + bytes.byteLength, 1))], [0]);
  });

  check('does not change the source or what lies around the target', async (device) => {
    const source = Buffer.alloc(12, 7);
    await device.write(0, source.subarray(4, 8));
    const target = Buffer.alloc(12, 9);
    await device.read(2, target.subarray(4, 8));
    assert.deepEqual([...target], [9, 9, 9, 9, 7, 7, 0, 0, 9, 9, 9, 9]);
    assert.deepEqual(source, Buffer.alloc(12, 7));
  });

  check('refuses what does not lie within it', async (device) => {
    const one = new Uint8Array(1);
    for (const offset of [byteLength, -1, 2 ** 53, Infinity, NaN]) {
      assert.equal(await codeOf(() => device.read(offset, one)), BlockErrorCode.OutOfRange);
      assert.equal(await codeOf(() => device.write(offset, one)), BlockErrorCode.OutOfRange);
      assert.equal(await codeOf(() => device.discard(offset, 1)), BlockErrorCode.OutOfRange);
      assert.equal(await codeOf(() => device.writeZeroes(offset, 1)), BlockErrorCode.OutOfRange);
      assert.equal(await codeOf(() => device.status(offset, 1)), BlockErrorCode.OutOfRange);
    }
    assert.equal(await codeOf(() => device.read(byteLength - 1, Buffer.alloc(2))), 'OUT_OF_RANGE');
    assert.equal(await codeOf(() => device.discard(0, -1)), 'OUT_OF_RANGE');
    assert.equal(await codeOf(() => device.discard(0, NaN)), 'OUT_OF_RANGE');
  });

  check('takes the first and the last byte', async (device) => {
    await device.write(0, Buffer.from([1]));
    await device.write(byteLength - 1, Buffer.from([2]));
    const all = await readFrom(device, 0, byteLength);
    assert.deepEqual([all[0], all[1], all[byteLength - 2], all[byteLength - 1]], [1, 0, 0, 2]);
  });

  check(
    'refuses what is not in whole blocks',
    async (device) => {
      const block = new Uint8Array(512);
      assert.equal(await codeOf(() => device.read(1, block)), BlockErrorCode.Misaligned);
      assert.equal(await codeOf(() => device.write(256, block)), BlockErrorCode.Misaligned);
      assert.equal(await codeOf(() => device.write(0, block.subarray(1))), 'MISALIGNED');
      assert.equal(await codeOf(() => device.discard(512, 511)), 'MISALIGNED');
      assert.equal(await codeOf(() => device.writeZeroes(0.5, 512)), 'MISALIGNED');
      assert.equal(await codeOf(() => device.status(0, 1)), 'MISALIGNED');
      assert.equal(await codeOf(() => device.write(512, block)), 'complete');
    },
    512,
  );

  check('does nothing for a length of 0, at its very end too', async (device) => {
    for (const offset of [0, byteLength]) {
      assert.equal(await codeOf(() => device.read(offset, Buffer.alloc(0))), 'complete');
      assert.equal(await codeOf(() => device.write(offset, Buffer.alloc(0))), 'complete');
      assert.equal(await codeOf(() => device.discard(offset, 0)), 'complete');
      assert.equal(await codeOf(() => device.writeZeroes(offset, 0)), 'complete');
    }
  });
}

function runZeroTests(check: Check): void {
  for (const mayDiscard of [false, true]) {
    check(`writes zeroes, mayDiscard ${mayDiscard}, and nothing around`, async (device) => {
      await device.write(0, Buffer.alloc(byteLength, 5));
      await device.writeZeroes(100, 200_000, { mayDiscard, fua: mayDiscard });
      const expected = Buffer.alloc(byteLength, 5).fill(0, 100, 200_100);
      assert.deepEqual(Buffer.from(await readFrom(device, 0, byteLength)), expected);
    });
  }

  check('discards: the bytes read as before or as zeroes, the others as before', async (device) => {
    await device.write(0, Buffer.alloc(byteLength, 5));
    await device.discard(70_000, 140_000);
    const after = await readFrom(device, 0, byteLength);
    after.forEach((byte, place) => {
      const isDiscarded = place >= 70_000 && place < 210_000;
      if (byte !== 5 && !(isDiscarded && byte === 0)) assert.fail(`${byte} at ${place}`);
    });
    await device.write(70_000, Buffer.alloc(140_000, 6));
    assert.deepEqual(await readFrom(device, 70_000, 140_000), new Uint8Array(140_000).fill(6));
  });

  check('tells extents that adjoin, stay inside and do not lie', async (device) => {
    await device.write(131_072, Buffer.alloc(65_536, 1));
    const bytes = await readFrom(device, 0, byteLength);
    for (const [offset, length] of [
      [0, byteLength],
      [100, 131_072],
      [140_000, 3],
    ] as const) {
      const extents = await wholeStatus(device, offset, length);
      let place = offset;
      for (const extent of extents) {
        assert.ok(extent.byteLength > 0);
        const part = bytes.subarray(place, place + extent.byteLength);
        if (extent.isZero) assert.ok(part.every((byte) => byte === 0));
        place += extent.byteLength;
      }
      assert.equal(place, offset + length);
    }
  });

  check('flushes, and writes through', async (device) => {
    await device.write(10, Buffer.from('stable'), { fua: true });
    await device.flush();
    assert.equal(Buffer.from(await readFrom(device, 10, 6)).toString(), 'stable');
  });
}

function runClosingTests(check: Check): void {
  check('refuses everything once it is closed, and closes twice', async (device) => {
    await device.close();
    const one = new Uint8Array(1);
    assert.equal(await codeOf(() => device.read(0, one)), BlockErrorCode.Closed);
    assert.equal(await codeOf(() => device.write(0, one)), BlockErrorCode.Closed);
    assert.equal(await codeOf(() => device.flush()), BlockErrorCode.Closed);
    assert.equal(await codeOf(() => device.discard(0, 1)), BlockErrorCode.Closed);
    assert.equal(await codeOf(() => device.writeZeroes(0, 1)), BlockErrorCode.Closed);
    assert.equal(await codeOf(() => device.status(0, 1)), BlockErrorCode.Closed);
    await device.close();
  });

  check('what was begun before it is closed is complete', async (device) => {
    const bytes = new Uint8Array(100_000).fill(3);
    const outcomes = [
      codeOf(() => device.write(0, bytes, { fua: true })),
      codeOf(() => device.writeZeroes(200_000, 50_000, { fua: true })),
      codeOf(() => device.read(0, bytes)),
      codeOf(() => device.flush()),
    ];
    const closing = device.close();
    assert.deepEqual(await Promise.all(outcomes), Array(4).fill('complete'));
    await closing;
  });

  check('ends resize$ when it is closed', async (device) => {
    let isComplete = false;
    device.resize$.subscribe({ complete: () => (isComplete = true) });
    await device.close();
    assert.ok(isComplete);
  });
}

/** Asks until the range is covered. */
export async function wholeStatus(
  device: BlockDevice,
  offset: number,
  length: number,
): Promise<Extent[]> {
  const extents: Extent[] = [];
  for (let place = offset; place < offset + length;) {
    const found = await device.status(place, offset + length - place);
    assert.ok(found.length > 0);
    extents.push(...found);
    place += found.reduce((sum, extent) => sum + extent.byteLength, 0);
  }
  return extents;
}

function runRandomTests(check: Check): void {
  const seed = seedOfThisRun();
  check(
    `is an array of bytes, many operations at once (seed ${seed})`,
    async (device) => {
      const random = createRandom(seed);
      const model = new Uint8Array(byteLength);
      for (let round = 0; round < 30; round++) {
        await playRound(device, model, random);
        assert.deepEqual(Buffer.from(await readFrom(device, 0, byteLength)), Buffer.from(model));
      }
    },
    512,
  );
}

/** Operations at once on parts of the device that do not touch. */
async function playRound(
  device: BlockDevice,
  model: Uint8Array,
  random: () => number,
): Promise<void> {
  const blocks = byteLength / 512;
  const work: Promise<void>[] = [];
  for (let block = 0; block < blocks;) {
    const count = Math.min(between(random, 1, 150), blocks - block);
    const [offset, length] = [block * 512, count * 512];
    const part = model.subarray(offset, offset + length);
    block += count;
    const mayDiscard = random() % 2 === 0;
    switch (random() % 4) {
      case 0:
        part.set(randomBytes(random, length));
        work.push(whole(device.write(offset, part.slice(), { fua: random() % 8 === 0 })));
        break;
      case 1:
        part.fill(0);
        work.push(whole(device.writeZeroes(offset, length, { mayDiscard })));
        break;
      case 2:
        work.push(whole(device.flush()));
        break;
      default:
        work.push(
          readFrom(device, offset, length).then((bytes) => {
            assert.deepEqual(Buffer.from(bytes), Buffer.from(part));
          }),
        );
    }
  }
  await Promise.all(work);
}

async function whole(done: Done): Promise<void> {
  await done;
}
