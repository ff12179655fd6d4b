/** Remote buffer references as fields: data moves by the reference, in both directions. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { IdcError } from 'idc';
import { createBackEnd, createFrontEnd, defineProtocol, DriverError } from 'idc/drivers/kit';
import { onPair } from './pair.js';

const copier = defineProtocol({
  name: 'copier',
  version: 1,
  transactions: {
    copy: {
      parameters: { source: 'reference', target: { optional: 'reference' } },
      status: { byteLength: 'uint53' },
      effect: 'idempotent',
    },
  },
});

it('a back end reads and writes the buffers that it was given references of', async () => {
  await onPair(async ({ front, back, address }) => {
    createBackEnd(back, address, copier, {
      copy: async ({ source, target }) => {
        const bytes = new Uint8Array(source.byteLength);
        await back.receiveFromRemoteBuffer(source, bytes);
        if (target !== undefined) await back.sendToRemoteBuffer(target, bytes);
        return { byteLength: bytes.length };
      },
    });
    const device = createFrontEnd(front, address, copier);
    const local = Uint8Array.from({ length: 10_000 }, (_, index) => index & 0xff);
    const room = new Uint8Array(10_000);
    const source = front.registerBuffer(local, { access: 'read' });
    const target = front.registerBuffer(room, { access: 'write' });
    const references = { source: source.reference, target: target.reference };
    assert.deepEqual(await device.copy(references), { byteLength: 10_000 });
    assert.deepEqual(room, local);
    const narrow = source.reference.narrow({ offset: 100, byteLength: 50 });
    assert.deepEqual(await device.copy({ source: narrow }), { byteLength: 50 });
    await Promise.all([source.unregister(), target.unregister()]);
  });
});

it('what is no reference is refused where it is given, and where it arrives', async () => {
  await onPair(async ({ front, back, address }) => {
    const server = createBackEnd(back, address, copier, {
      copy: ({ source }) => ({ byteLength: source.byteLength }),
    });
    const device = createFrontEnd(front, address, copier);
    // @ts-expect-error plain JavaScript may do so
    const call = device.copy({ source: 5 });
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof DriverError);
      return error.failure === 'BAD_VALUE';
    });
    const faults: string[] = [];
    server.faults$.subscribe(({ item }) => faults.push(item));
    const forged = device.endpoint.submitTransaction(Uint8Array.of(1, 4, 1, 2, 3, 4, 0));
    await assert.rejects(forged, (error) => error instanceof IdcError && error.remoteCode === -1);
    assert.deepEqual(faults, ['copy']);
  });
});
