/** Both ends of a remote device: what they tell each other beside the bytes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstValueFrom } from 'rxjs';
import {
  BlockError,
  countDevice,
  createMemoryDevice,
  openRemoteDevice,
  serveDevice,
  sliceDevice,
  type BlockDevice,
} from '../../../drivers/block/index.js';
import { createMemoryJournal } from '../../../drivers/kit/index.js';
import { codeOf, readFrom } from '../block/device-suite.js';
import { HeldDevice } from '../block/held-device.js';
import { checkGivenUpRead } from './given-up-read.js';
import { SlowDevice } from './slow-device.js';
import { schemes, Stage } from './stage.js';

async function onStage(
  scheme: (typeof schemes)[number],
  body: (stage: Stage) => Promise<void>,
): Promise<void> {
  const stage = new Stage(scheme, 'ends');
  try {
    await body(stage);
  } finally {
    await stage.close();
  }
}

for (const scheme of schemes) {
  describe(`a remote device over ${scheme}`, () => {
    it('tells its geometry, and passes each operation on as it is', async () => {
      await onStage(scheme, async (stage) => {
        const counted = countDevice(createMemoryDevice({ byteLength: 1 << 22, blockBytes: 512 }));
        await stage.serve(counted);
        const device = await stage.open();
        assert.deepEqual(
          [device.byteLength, device.blockBytes, device.isReadOnly],
          [1 << 22, 512, false],
        );
        await device.write(0, Buffer.alloc(512, 1), { fua: true });
        await device.write(0, Buffer.alloc(1 << 21, 2), { fua: true });
        await device.flush();
        await device.discard(512, 512);
        await device.writeZeroes(1024, 1024, { fua: true, mayDiscard: true });
        await device.read(0, Buffer.alloc(512));
        await device.status(0, 1 << 22);
        const { fuas, writes, writtenBytes, flushes, ...rest } = counted.counts();
        // Two pieces for 2 MiB.
        assert.deepEqual([writes, writtenBytes, fuas, flushes], [3, 512 + (1 << 21), 4, 1]);
        const { discardedBytes, zeroedBytes, readBytes, statuses } = rest;
        assert.deepEqual([discardedBytes, zeroedBytes, readBytes, statuses], [512, 1024, 512, 1]);
      });
    });

    it('moves long operations by reference, to the byte', async () => {
      await onStage(scheme, async (stage) => {
        const disk = createMemoryDevice({ byteLength: 5 << 20 });
        await stage.serve(disk);
        const device = await stage.open();
        const bytes = Buffer.alloc(3_500_001);
        for (let place = 0; place < bytes.length; place += 4) bytes.writeUInt8(place % 251, place);
        await device.write(777, bytes);
        assert.deepEqual(Buffer.from(await readFrom(disk, 777, bytes.length)), bytes);
        assert.deepEqual(Buffer.from(await readFrom(device, 777, bytes.length)), bytes);
        assert.deepEqual([...(await readFrom(disk, 776, 1))], [0]);
        assert.deepEqual([...(await readFrom(disk, 777 + bytes.length, 1))], [0]);
      });
    });

    it('announces a resize, and takes the new bytes', async () => {
      await onStage(scheme, async (stage) => {
        const disk = createMemoryDevice({ byteLength: 4096, blockBytes: 512 });
        await stage.serve(disk);
        const [one, other] = [await stage.open(), await stage.open()];
        const told = [one, other].map((device) => firstValueFrom(device.resize$));
        disk.resize(8192);
        assert.deepEqual(await Promise.all(told), [8192, 8192]);
        assert.equal(one.byteLength, 8192);
        await other.write(7680, Buffer.alloc(512, 1));
        assert.deepEqual([...(await readFrom(one, 7680, 512))].slice(0, 2), [1, 1]);
        const shorter = firstValueFrom(one.resize$);
        disk.resize(512);
        // It may not know yet; the back end does.
        assert.equal(await codeOf(() => one.write(512, Buffer.alloc(512))), 'OUT_OF_RANGE');
        assert.equal(await shorter, 512);
      });
    });

    it('may only be read if it is served so', async () => {
      await onStage(scheme, async (stage) => {
        const disk = createMemoryDevice({ byteLength: 4096 });
        await disk.write(0, Buffer.from('there'));
        await stage.serve(disk, { isReadOnly: true });
        const device = await stage.open();
        assert.ok(device.isReadOnly);
        assert.equal(await codeOf(() => device.write(0, Buffer.alloc(1))), 'READ_ONLY');
        assert.equal(await codeOf(() => device.discard(0, 1)), 'READ_ONLY');
        assert.equal(await codeOf(() => device.writeZeroes(0, 1)), 'READ_ONLY');
        assert.equal(Buffer.from(await readFrom(device, 0, 5)).toString(), 'there');
      });
    });
  });
}

describe('a remote device', () => {
  it('tells what the device below said', async () => {
    await onStage('memory', async (stage) => {
      const disk = createMemoryDevice({ byteLength: 1 << 20, allocatedBytesMax: 65_536 });
      await stage.serve(disk);
      const device = await stage.open();
      assert.equal(await codeOf(() => device.write(0, Buffer.alloc(65_536, 1))), 'complete');
      assert.equal(await codeOf(() => device.write(65_536, Buffer.alloc(1))), 'NO_SPACE');
      assert.equal(await codeOf(() => device.write(65_536, Buffer.alloc(200_000))), 'NO_SPACE');
      await disk.close();
      assert.equal(await codeOf(() => device.read(0, Buffer.alloc(1))), 'CLOSED');
    });
  });

  it('keeps many operations outstanding, and lets the short pass the long', async () => {
    await onStage('memory', async (stage) => {
      const held = new HeldDevice(createMemoryDevice({ byteLength: 1 << 20 }));
      await stage.serve(held);
      const device = await stage.open();
      let doneCount = 0;
      const reads = Array.from({ length: 200 }, async (_, index) => {
        await device.read(index, Buffer.alloc(1));
        doneCount += 1;
      });
      await held.arrived(64);
      for (let index = 63; index >= 0; index--) held.held[index]?.begin();
      held.held.splice(0, 64);
      for (let index = 64; index < 200; index++) (await held.take()).begin();
      await Promise.all(reads);
      assert.equal(doneCount, 200);
    });
  });

  it('leaves the memory of a read alone once that is complete', async () => {
    await onStage('ring', async (stage) => {
      await checkGivenUpRead(stage, 200_000, () => Buffer.alloc(200_000, 7));
    });
  });

  it('goes on without references where the back end cannot use them', async () => {
    await onStage('memory', async (stage) => {
      const disk = createMemoryDevice({ byteLength: 1 << 20 });
      await stage.serve(disk);
      const domain = stage.domain('front', (action) => action !== 'transfer');
      const device = await openRemoteDevice(domain, stage.address);
      const bytes = Buffer.alloc(300_000, 3);
      await device.write(1000, bytes);
      assert.deepEqual(Buffer.from(await readFrom(disk, 1000, bytes.length)), bytes);
      assert.deepEqual(Buffer.from(await readFrom(device, 1000, bytes.length)), bytes);
    });
  });

  it('says where nobody answers', async () => {
    await onStage('tcp', async (stage) => {
      const backEnd = await stage.serve(createMemoryDevice({ byteLength: 512 }));
      await backEnd.close();
      const isRefusal = /^FAILED: tcp:.*: refused$/;
      let message = '';
      // A machine may be too slow for one attempt within the first of these times.
      for (let connectMs = 100; connectMs < 30_000 && !isRefusal.test(message); connectMs *= 2) {
        await assert.rejects(stage.open({ connectMs }), (error) => {
          assert.ok(error instanceof BlockError);
          ({ message } = error);
          return error.code === 'FAILED';
        });
      }
      assert.match(message, isRefusal);
    });
  });

  it('fails for good if the device was replaced by an empty one', async () => {
    await onStage('memory', async (stage) => {
      const serve = (contents: string): ReturnType<Stage['serve']> =>
        stage.serve(createMemoryDevice({ byteLength: 4096 }), { contents });
      const first = await serve('first');
      const device = await stage.open();
      await device.write(0, Buffer.from([1]));
      await first.close();
      await serve('second');
      assert.equal(await codeOf(() => device.read(0, Buffer.alloc(1))), 'FAILED');
      assert.equal(await codeOf(() => device.write(0, Buffer.alloc(1))), 'FAILED');
    });
  });

  it('does not write anew what a back end that died may have written', async () => {
    await onStage('memory', async (stage) => {
      const disk = createMemoryDevice({ byteLength: 1 << 20 });
      const journal = createMemoryJournal();
      const dying = stage.domain('back');
      let mayTransfer = true;
      let pauses = 0;
      const isWritten = new Promise<void>((resolve) => {
        const pause = async (): Promise<void> => {
          pauses += 1;
          if (pauses === 1) return;
          resolve();
          await new Promise(() => undefined); // It dies before it answers.
        };
        serveDevice(dying, stage.address, new SlowDevice(disk, pause), { journal });
      });
      const domain = stage.domain('front', (action) => action !== 'transfer' || mayTransfer);
      const device = await openRemoteDevice(domain, stage.address);
      const outcome = codeOf(() => device.write(0, Buffer.alloc(200_000, 1)));
      await isWritten;
      mayTransfer = false;
      await dying.close({ drainMs: 0 });
      await stage.serve(disk, { journal });
      const other = await stage.open();
      assert.deepEqual([...(await readFrom(other, 0, 1))], [1]);
      await other.write(0, Buffer.alloc(200_000, 2));
      assert.equal(await outcome, 'FAILED');
      assert.deepEqual([...(await readFrom(other, 0, 1))], [2]);
    });
  });

  it('moves more at a time than a domain has transfers', async () => {
    await onStage('memory', async (stage) => {
      const disk = createMemoryDevice({ byteLength: 1 << 24 });
      await stage.serve(disk);
      const devices = await Promise.all(Array.from({ length: 12 }, () => stage.open()));
      const written = devices.flatMap((device, index) =>
        Array.from({ length: 6 }, (_, part) =>
          device.write((index * 6 + part) * 200_000, Buffer.alloc(200_000, 1 + part)),
        ),
      );
      for (const done of written) await done;
      for (let index = 0; index < 72; index++) {
        const bytes = await readFrom(disk, index * 200_000, 200_000);
        assert.ok(bytes.every((byte) => byte === 1 + (index % 6)));
      }
    });
  });

  it('can be a part of another, with parts of its own', async () => {
    await onStage('memory', async (stage) => {
      const disk = createMemoryDevice({ byteLength: 8192 });
      await stage.serve(sliceDevice(disk, { offset: 4096 }));
      const part: BlockDevice = sliceDevice(await stage.open(), { offset: 1024 });
      await part.write(0, Buffer.from([9]));
      assert.deepEqual([...(await readFrom(disk, 5120, 1))], [9]);
    });
  });
});
