/** The memory that a remote device has for its users, and what becomes of it in trouble. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDomain, type Domain } from '../../../core/index.js';
import {
  BlockError,
  countDevice,
  createMemoryDevice,
  ForwardingDevice,
  openRemoteDevice,
  serveDevice,
  sliceDevice,
  type DeviceMemory,
  type Done,
  type RemoteDevice,
} from '../../../drivers/block/index.js';
import { createMemoryJournal } from '../../../drivers/kit/index.js';
import { LentMemory } from '../../../drivers/block/remote/lent-memory.js';
import { codeOf, readFrom } from '../block/device-suite.js';
import { HeldDevice } from '../block/held-device.js';
import { checkGivenUpRead } from './given-up-read.js';
import { schemes, Stage, type Scheme } from './stage.js';

const chunk = 200_000;

async function onStage(scheme: Scheme, body: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = new Stage(scheme, 'lent');
  try {
    await body(stage);
  } finally {
    await stage.close();
  }
}

function memoryOf(device: { readonly memory?: DeviceMemory | undefined }): DeviceMemory {
  assert.ok(device.memory !== undefined);
  return device.memory;
}

/** So many bytes of the device's own memory, filled. */
function takeFilled(device: RemoteDevice, byteLength: number, byte: number): Uint8Array {
  const bytes = memoryOf(device).take(byteLength);
  assert.equal(bytes?.byteLength, byteLength);
  return bytes.fill(byte);
}

for (const scheme of schemes) {
  describe(`memory of a remote device over ${scheme}`, () => {
    it('is lent once for all operations, which move to the byte', async () => {
      await onStage(scheme, async (stage) => {
        const disk = createMemoryDevice({ byteLength: 8 << 20 });
        await stage.serve(disk);
        const domain = stage.domain('front');
        const device = await openRemoteDevice(domain, stage.address);
        for (let round = 1; round <= 5; round++) {
          const written = takeFilled(device, 1 << 20, round);
          const read = takeFilled(device, 2_000_000, 0xff);
          await device.write(round * 1000, written);
          await device.read(0, read);
          const beside = Buffer.from(read.subarray(round * 1000 + (1 << 20)));
          assert.ok(
            read.subarray(round * 1000, round * 1000 + (1 << 20)).every((b) => b === round),
          );
          assert.deepEqual(beside, Buffer.alloc(beside.length));
          assert.deepEqual(Buffer.from(await readFrom(disk, 0, 2_000_000)), Buffer.from(read));
          assert.equal(domain.registeredBuffers().length, 2); // One for each length.
          memoryOf(device).give(written);
          memoryOf(device).give(read);
        }
        await device.close();
        assert.equal(domain.registeredBuffers().length, 0);
      });
    });
  });
}

describe('memory of a remote device', () => {
  it('is mapped by a back end on this machine', async () => {
    await onStage('ring', async (stage) => {
      await stage.serve(createMemoryDevice({ byteLength: 1 << 20 }));
      const domain = stage.domain('front');
      const device = await openRemoteDevice(domain, stage.address);
      const bytes = takeFilled(device, chunk, 1);
      await device.write(0, bytes);
      assert.deepEqual(
        domain.registeredBuffers().map(({ mode }) => mode),
        ['map'],
      );
      const before = domain.transferStatistics().asOwner;
      for (let count = 0; count < 10; count++) await device.read(0, bytes);
      // This side has no part in it.
      assert.deepEqual(domain.transferStatistics().asOwner, before);
      assert.deepEqual([...bytes.subarray(0, 2)], [1, 1]);
    });
  });

  it('is left alone once an operation was given up', async () => {
    await onStage('ring', async (stage) => {
      await checkGivenUpRead(stage, chunk, (device) => takeFilled(device, chunk, 7));
    });
  });

  it('is lent anew after an operation that was submitted again', async () => {
    await onStage('ring', async (stage) => {
      const disk = createMemoryDevice({ byteLength: 1 << 20 });
      await disk.write(0, Buffer.alloc(1 << 20, 5));
      const journal = createMemoryJournal();
      const held = new HeldDevice(disk);
      const dying = stage.domain('back');
      serveDevice(dying, stage.address, held, { journal });
      const domain = stage.domain('front');
      const device = await openRemoteDevice(domain, stage.address);
      const [target, beside] = [takeFilled(device, chunk, 7), takeFilled(device, chunk, 8)];
      assert.equal(target.buffer, beside.buffer);
      const reading = device.read(0, target);
      const { begin } = await held.take();
      await dying.close({ drainMs: 0 });
      await stage.serve(disk, { journal });
      await reading;
      begin();
      assert.deepEqual(Buffer.from(target), Buffer.alloc(chunk, 5));
      // The first back end may still have had a part in it: it has none in anything now.
      assert.equal(domain.registeredBuffers().length, 0);
      // What was taken before can be used all the same.
      await device.read(0, beside);
      assert.deepEqual(Buffer.from(beside), Buffer.alloc(chunk, 5));
      const next = takeFilled(device, chunk, 9);
      assert.notEqual(next.buffer, target.buffer);
      await device.write(0, next);
      for (const bytes of [target, beside, next]) memoryOf(device).give(bytes);
      assert.deepEqual([...(await readFrom(disk, chunk - 1, 2))], [9, 5]);
    });
  });

  it('is left alone by a read that a lost back end does later, where it is', async () => {
    await onStage('ring', async (stage) => {
      const disk = createMemoryDevice({ byteLength: 1 << 20 });
      await disk.write(0, Buffer.alloc(1 << 20, 5));
      const held = new HeldDevice(disk);
      const places: number[] = [];
      const noted = new (class extends ForwardingDevice {
        override read(offset: number, target: Uint8Array): Done {
          places.push(target.buffer.byteLength);
          return super.read(offset, target);
        }
      })(held);
      const dying = stage.domain('back');
      serveDevice(dying, stage.address, noted);
      const device = await openRemoteDevice(stage.domain('front'), stage.address);
      const target = takeFilled(device, chunk, 7);
      const read = async (): Promise<{ reading: Done; begin: () => void }> => {
        const reading = device.read(0, target);
        return { reading, begin: (await held.take()).begin };
      };
      // The first has the memory mapped, so the second is to be read into it.
      const first = await read();
      first.begin();
      await first.reading;
      const second = await read();
      await dying.close({ drainMs: 0 });
      await stage.serve(disk);
      await second.reading;
      target.fill(9);
      second.begin();
      assert.deepEqual(Buffer.from(target), Buffer.alloc(chunk, 9));
      // First to a buffer of the back end's own, then to a whole slab.
      assert.deepEqual([places[0], (places[1] ?? 0) >= 4 << 20], [1 << 20, true]);
    });
  });

  it('is not its caller’s again before all operations beside it have ended', async () => {
    await onStage('memory', async (stage) => {
      const held = new HeldDevice(createMemoryDevice({ byteLength: 1 << 20 }));
      await stage.serve(held);
      const domain = stage.domain('front');
      const device = await openRemoteDevice(domain, stage.address);
      const [one, other] = [takeFilled(device, chunk, 7), takeFilled(device, chunk, 7)];
      const endings: string[] = [];
      const read = async (name: string, target: Uint8Array): Promise<void> => {
        endings.push(`${name} ${await codeOf(() => device.read(0, target))}`);
      };
      const reads = [read('one', one), read('other', other)];
      const [first, second] = [await held.take(), await held.take()];
      first.fail(new BlockError('FAILED', 'a mistake of the disk'));
      // A whole operation of another kind passes by meanwhile.
      const flushing = device.flush();
      (await held.take()).begin();
      await flushing;
      assert.deepEqual(endings, []);
      second.begin();
      await Promise.all(reads);
      assert.deepEqual(endings.sort(), ['one FAILED', 'other complete']);
      assert.equal(domain.registeredBuffers().length, 0);
    });
  });

  it('is had through a part of the device, too', async () => {
    await onStage('memory', async (stage) => {
      await stage.serve(createMemoryDevice({ byteLength: 1 << 20 }));
      const device = await stage.open();
      assert.equal(sliceDevice(device, { offset: 512 }).memory, device.memory);
    });
  });

  it('is had through what wraps the device, too', async () => {
    await onStage('memory', async (stage) => {
      await stage.serve(createMemoryDevice({ byteLength: 1 << 20 }));
      const device = await stage.open();
      assert.equal(countDevice(device).memory, memoryOf(device));
    });
  });
});

describe('lent memory', () => {
  const withMemory = async (body: (memory: LentMemory, domain: Domain) => void): Promise<void> => {
    const domain = createDomain({ name: 'front', transports: [] });
    const lent = new LentMemory(domain, 65_537);
    body(lent, domain);
    await lent.close();
    assert.equal(domain.registeredBuffers().length, 0);
    await domain.close();
  };

  it('has nothing for short operations, nor for the longest', async () => {
    await withMemory((lent, domain) => {
      assert.deepEqual([lent.take(65_536), lent.take((4 << 20) + 1)], [undefined, undefined]);
      assert.equal(domain.registeredBuffers().length, 0);
      assert.equal(lent.take(65_537)?.byteLength, 65_537);
      assert.equal(lent.take(4 << 20)?.byteLength, 4 << 20);
    });
  });

  it('is bounded, and serves other lengths when nobody has any of it', async () => {
    await withMemory((lent, domain) => {
      const taken: Uint8Array[] = [];
      for (let bytes = lent.take(1 << 20); bytes !== undefined; bytes = lent.take(1 << 20)) {
        taken.push(bytes);
      }
      assert.equal(taken.length, 32);
      const places = new Set(taken.map((bytes, index) => bytes.fill(index)));
      assert.ok([...places].every((bytes, index) => bytes[0] === index && bytes.at(-1) === index));
      assert.equal(lent.take(128 << 10), undefined);
      for (const bytes of taken.splice(0)) lent.give(bytes);
      for (let count = 0; count < 256; count++) {
        const bytes = lent.take(128 << 10);
        assert.equal(bytes?.byteLength, 128 << 10);
        taken.push(bytes);
      }
      assert.equal(lent.take(128 << 10), undefined);
      assert.equal(domain.registeredBuffers().length, 8);
    });
  });

  it('takes back nothing that it did not give', async () => {
    await withMemory((lent) => {
      assert.throws(() => {
        lent.give(new Uint8Array(1 << 20));
      }, /what is given was taken/);
    });
  });
});
