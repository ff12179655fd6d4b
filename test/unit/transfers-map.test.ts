/** Transfers in memory that its owner lends (map mode, B9). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../../core/contract.js';
import { RemoteBufferReference } from '../../core/transfer/reference.js';
import { TransferOp } from '../../core/transfer/transfer-wire.js';
import { patternBytes } from './fake-link.js';
import { LentMemory, type LentMapping, type LentRegion } from './transfers-lent-memory.js';
import { HolderRig, type Way } from './transfers-rig.js';

type Registered = ReturnType<HolderRig['register']>;

interface Stage {
  readonly rig: HolderRig;
  readonly way: Way;
  readonly lent: LentMemory;
  readonly region: LentRegion;
  readonly buffer: Registered;
}

async function open(byteLength = 10_000): Promise<Stage> {
  const rig = new HolderRig({ outstanding: 100 });
  const lent = new LentMemory();
  rig.memory = lent;
  const way = await rig.addWay(1_024);
  const { region, buffer } = lend(rig, lent, byteLength);
  return { rig, way, lent, region, buffer };
}

function lend(
  rig: HolderRig,
  lent: LentMemory,
  byteLength: number,
): { region: LentRegion; buffer: Registered } {
  const region = lent.allocate(byteLength);
  const buffer = rig.register(region.bytes, { mode: 'map' }, region);
  assert.equal(buffer.decoded.mode, 'map');
  return { region, buffer };
}

function onlyMapping(lent: LentMemory): LentMapping {
  const [mapping] = lent.mappings;
  assert(mapping !== undefined && lent.mappings.length === 1);
  return mapping;
}

describe('lent memory', () => {
  it('is asked for once, by however many; then a transfer is a copy within the call', async () => {
    const { rig, lent, region, buffer } = await open();
    const sent = patternBytes(1_000, 3);
    const first = [0, 1, 2, 3].map((index) =>
      rig.transfers.send(buffer.decoded, sent, { offset: index * 1_000 }),
    );
    await rig.end(Promise.all(first).then(() => undefined));
    assert.deepEqual(rig.requests, [TransferOp.Map]);
    for (let index = 0; index < 4; index++) {
      assert.deepEqual(region.bytes.subarray(index * 1_000, (index + 1) * 1_000), sent);
    }
    for (const [offset, byteLength] of [
      [5_000, 1],
      [5_001, 64],
      [6_000, 65],
      [9_000, 1_000],
    ] as const) {
      const written = patternBytes(byteLength, offset);
      const counts: number[] = [];
      const onProgress = (count: number): void => void counts.push(count);
      const sending = rig.transfers.send(buffer.decoded, written, { offset, onProgress });
      assert.deepEqual(region.bytes.subarray(offset, offset + byteLength), written);
      const read = new Uint8Array(byteLength + 2);
      const parts = [read.subarray(1, 1), read.subarray(1, -1)];
      const receiving = rig.transfers.receive(buffer.decoded, parts, { offset });
      assert.deepEqual(read, Uint8Array.of(0, ...written, 0));
      assert.deepEqual(counts, [byteLength]);
      await Promise.all([sending, receiving]);
    }
    assert.deepEqual(rig.requests, [TransferOp.Map], 'its owner has done nothing');
    assert.equal(onlyMapping(lent).access, 'readWrite');
    const { mapped, done, mappings } = rig.transfers.statistics();
    assert.deepEqual({ mapped, done, mappings }, { mapped: 12, done: 12, mappings: 1 });
    await rig.close();
    assert(onlyMapping(lent).isReleased);
  });

  it('serves a reference only after the owner has checked that one', async () => {
    const { rig, lent, buffer } = await open();
    const ten = new Uint8Array(10);
    assert.equal(await rig.end(rig.transfers.receive(buffer.decoded, ten)), 'done');
    const encoded = buffer.reference.encode();
    const again = RemoteBufferReference.decode(encoded);
    await rig.transfers.receive(again, ten);
    assert.equal(rig.count(TransferOp.Map), 1, 'the same bytes were checked');
    encoded[encoded.length - 1] = (encoded.at(-1) ?? 0) ^ 1;
    const forged = RemoteBufferReference.decode(encoded);
    const sent = rig.transfers.send(forged, ten.fill(9));
    assert.equal(await rig.end(sent), 'FORGED_REFERENCE never');
    const received = rig.transfers.receive(forged, ten);
    assert.equal(await rig.end(received), 'FORGED_REFERENCE never');
    assert.equal(onlyMapping(lent).accessCount, 2);
    await rig.close();
  });

  it('serves whole references alone; a narrowed one goes by copy', async () => {
    const { rig, lent, region, buffer } = await open();
    const ten = new Uint8Array(10).fill(1);
    const expiresMs = rig.runtime.clock.unixMs() + 60_000;
    for (const options of [
      { offset: 10 },
      { byteLength: 9_999 },
      { access: 'write' },
      { expiresMs },
    ] as const) {
      const narrow = buffer.decoded.narrow(options);
      assert.equal(await rig.end(rig.transfers.send(narrow, ten)), 'done');
    }
    assert.deepEqual(region.bytes.subarray(10, 20), ten);
    assert.equal(rig.count(TransferOp.Map), 0);
    assert.equal(lent.mappings.length, 0);
    await rig.close();
  });

  it('that cannot be had is not asked for again on the same channel: it goes by copy', async () => {
    const { rig, lent, region, buffer } = await open();
    lent.failure = Fault.Unreachable;
    const sent = patternBytes(10_000, 2);
    assert.equal(await rig.end(rig.transfers.send(buffer.decoded, sent)), 'done');
    assert.deepEqual(region.bytes, sent);
    const received = new Uint8Array(10_000);
    assert.equal(await rig.end(rig.transfers.receive(buffer.decoded, received)), 'done');
    assert.deepEqual(received, sent);
    assert.equal(rig.count(TransferOp.Map), 1);
    assert.equal(rig.count(TransferOp.Write), 10);
    await rig.close();
  });

  it('of another length than the reference says is let go of', async () => {
    const { rig, lent, buffer } = await open();
    lent.missingBytes = 1;
    const one = new Uint8Array(1);
    assert.equal(await rig.end(rig.transfers.send(buffer.decoded, one)), 'done');
    assert.equal(onlyMapping(lent).accessCount, 0);
    assert(onlyMapping(lent).isReleased);
    await rig.close();
  });

  it('that was taken back: the owner says why, and nothing was touched', async () => {
    const { rig, lent, region, buffer } = await open();
    const ten = new Uint8Array(10).fill(1);
    assert.equal(await rig.end(rig.transfers.receive(buffer.decoded, ten)), 'done');
    await buffer.unregister();
    for (const method of ['send', 'receive'] as const) {
      const late = rig.transfers[method](buffer.decoded, ten.fill(1));
      assert.equal(await rig.end(late), 'STALE_REFERENCE never');
    }
    assert.deepEqual(region.bytes, new Uint8Array(10_000));
    assert.deepEqual(ten, new Uint8Array(10).fill(1));
    assert.equal(onlyMapping(lent).accessCount, 1);
    assert(onlyMapping(lent).isReleased);
    assert.equal(rig.transfers.statistics().mappings, 0);
    await rig.close();
  });

  it('that was taken back during the access: STALE_REFERENCE, maybe', async () => {
    for (const method of ['send', 'receive'] as const) {
      const { rig, lent, buffer } = await open();
      const ten = new Uint8Array(10).fill(1);
      assert.equal(await rig.end(rig.transfers.receive(buffer.decoded, ten)), 'done');
      lent.onAccess = () => void buffer.unregister();
      const torn = rig.transfers[method](buffer.decoded, ten);
      assert.equal(await rig.end(torn), 'STALE_REFERENCE maybe');
      assert(onlyMapping(lent).isReleased);
      assert.equal(rig.transfers.statistics().outstanding, 0);
      await rig.close();
    }
  });

  it('that was taken back during the very first access: the same', async () => {
    const { rig, lent, buffer } = await open();
    lent.onAccess = () => void buffer.unregister();
    const torn = rig.transfers.send(buffer.decoded, new Uint8Array(10));
    assert.equal(await rig.end(torn), 'STALE_REFERENCE maybe');
    await rig.close();
  });

  it('is used only while its owner is seen to be there', async () => {
    const { rig, way, lent, buffer } = await open();
    const ten = new Uint8Array(10);
    assert.equal(await rig.end(rig.transfers.receive(buffer.decoded, ten)), 'done');
    way.lose();
    await rig.settle();
    const received = rig.transfers.receive(buffer.decoded, ten, { timeoutMs: 5_000 });
    assert.equal(await rig.end(received, 1), 'UNREACHABLE never');
    assert.equal(onlyMapping(lent).accessCount, 1);
    await rig.addWay(1_024);
    await rig.transfers.receive(buffer.decoded, ten);
    assert.equal(onlyMapping(lent).accessCount, 2, 'it outlives a channel');
    assert.equal(rig.count(TransferOp.Map), 1);
    await rig.close();
  });

  it('of 64 buffers is kept; the least recently used one goes, and comes again', async () => {
    const { rig, lent, buffer } = await open(100);
    const buffers = [buffer];
    for (let index = 0; index < 64; index++) buffers.push(lend(rig, lent, 100).buffer);
    const ten = new Uint8Array(10);
    for (const { decoded } of buffers.slice(0, 64)) {
      assert.equal(await rig.end(rig.transfers.receive(decoded, ten)), 'done');
    }
    await rig.transfers.receive(buffer.decoded, ten);
    const [, second, last] = [buffers[0], buffers[1], buffers[64]];
    assert(second !== undefined && last !== undefined);
    assert.equal(await rig.end(rig.transfers.receive(last.decoded, ten)), 'done');
    const released = lent.mappings.map(({ isReleased }) => isReleased);
    assert.deepEqual([released[0], released[1], released[2]], [false, true, false]);
    assert.equal(rig.transfers.statistics().mappings, 64);
    assert.equal(await rig.end(rig.transfers.receive(second.decoded, ten)), 'done');
    assert.equal(rig.count(TransferOp.Map), 66);
    await rig.close();
    assert(lent.mappings.every(({ isReleased }) => isReleased));
  });

  it('waits as well, where a piece that went by copy may still land', async () => {
    const { rig, way, region, buffer } = await open();
    const ones = new Uint8Array(1_000).fill(1);
    const narrow = buffer.decoded.narrow({ byteLength: 5_000 });
    assert.equal(await rig.end(rig.transfers.receive(buffer.decoded, ones)), 'done');
    assert.equal(
      await rig.end(rig.transfers.send(narrow, ones.fill(1), { offset: 4_000 })),
      'done',
    );
    way.ownerEnd?.clog();
    const doubtful = rig.transfers.send(narrow, ones, { timeoutMs: 100 });
    await rig.settle();
    way.lose();
    assert.equal(await rig.end(doubtful), 'TIMEOUT maybe');
    await rig.addWay(1_024);
    const twos = new Uint8Array(1_000).fill(2);
    const sent = rig.transfers.send(buffer.decoded, twos);
    assert.deepEqual(region.bytes.subarray(0, 10), new Uint8Array(10), 'not within the call');
    assert.equal(await rig.end(sent), 'done');
    assert.equal(rig.count(TransferOp.Fence), 1);
    way.ownerEnd?.unclog();
    await rig.settle();
    assert.equal(rig.server.statistics().fencedWrites, 1);
    assert.deepEqual(region.bytes.subarray(0, 1_000), twos);
    await rig.close();
  });
});
