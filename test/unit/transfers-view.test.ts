/** Views of memory that its owner lends: filled where it is, held until they are closed (B9). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { patternBytes } from './fake-link.js';
import { LentMemory, type LentMapping, type LentRegion } from './transfers-lent-memory.js';
import { HolderRig } from './transfers-rig.js';

const byteLength = 10_000;

interface Stage {
  readonly rig: HolderRig;
  readonly lent: LentMemory;
  readonly region: LentRegion;
  readonly buffer: ReturnType<HolderRig['register']>;
  /** What the holder has, once it has it. */
  readonly mapping: () => LentMapping;
}

async function open(access: 'read' | 'readWrite' = 'readWrite'): Promise<Stage> {
  const rig = new HolderRig({ outstanding: 1 });
  const lent = new LentMemory();
  rig.memory = lent;
  await rig.addWay(1_024);
  const region = lent.allocate(byteLength);
  const buffer = rig.register(region.bytes, { mode: 'map', access }, region);
  const mapping = (): LentMapping => {
    const [first] = lent.mappings;
    assert.ok(first !== undefined);
    return first;
  };
  return { rig, lent, region, buffer, mapping };
}

/** As `open`, when the memory is mapped. */
async function openMapped(access: 'read' | 'readWrite' = 'readWrite'): Promise<Stage> {
  const stage = await open(access);
  await stage.rig.end(stage.rig.transfers.receive(stage.buffer.decoded, new Uint8Array(1)));
  assert.equal(stage.lent.mappings.length, 1);
  return stage;
}

describe('a view of lent memory', () => {
  it('is had once that is mapped; what is stored in it is at its owner', async () => {
    const { rig, region, buffer } = await open();
    assert.equal(rig.transfers.view(buffer.decoded, 0, 100), undefined);
    await rig.end(rig.transfers.send(buffer.decoded, Uint8Array.of(1)));
    const bytes = patternBytes(1_000, 3);
    const view = rig.transfers.view(buffer.decoded, 500, 1_000);
    assert.equal(view?.bytes.byteLength, 1_000);
    view.bytes.set(bytes);
    assert.deepEqual(region.bytes.subarray(500, 1_500), bytes);
    assert.ok(view.close());
    assert.throws(() => view.close(), /a view is closed once/);
  });

  it('is of the range alone, and of what may be written', async () => {
    const { rig, buffer } = await openMapped();
    const view = rig.transfers.view(buffer.decoded, 0, byteLength);
    assert.equal(view?.bytes.byteLength, byteLength);
    view.close();
    for (const [offset, length] of [
      [-1, 1],
      [0, byteLength + 1],
      [byteLength, 1],
      [0, 0],
    ] as const) {
      assert.equal(rig.transfers.view(buffer.decoded, offset, length), undefined);
    }
    assert.throws(() => rig.transfers.view(buffer.decoded, 0.5, 1), /whole number/);
    const fixed = await openMapped('read');
    assert.equal(fixed.rig.transfers.view(fixed.buffer.decoded, 0, 1), undefined);
  });

  it('says so when the memory was taken back, and is not had any more', async () => {
    const { rig, region, buffer, mapping } = await openMapped();
    const view = rig.transfers.view(buffer.decoded, 0, 10);
    const other = rig.transfers.view(buffer.decoded, 10, 10);
    region.revoke();
    assert.equal(view?.close(), false);
    assert.equal(rig.transfers.view(buffer.decoded, 0, 10), undefined);
    // Somebody may still store to it.
    assert.equal(mapping().isReleased, false);
    assert.equal(other?.close(), false);
    assert.ok(mapping().isReleased);
  });

  it('keeps the memory mapped when transfers have ended', async () => {
    const { rig, region, buffer, mapping } = await openMapped();
    const view = rig.transfers.view(buffer.decoded, 0, 10);
    rig.transfers.end();
    assert.equal(rig.transfers.view(buffer.decoded, 0, 10), undefined);
    assert.equal(mapping().isReleased, false);
    view?.bytes.fill(9);
    assert.equal(region.bytes[9], 9);
    assert.ok(view?.close());
    assert.ok(mapping().isReleased);
  });

  it('takes no transfer from others', async () => {
    const { rig, buffer } = await openMapped();
    const views = [0, 1, 2].map((offset) => rig.transfers.view(buffer.decoded, offset, 1));
    assert.ok(views.every((view) => view !== undefined));
    await rig.transfers.receive(buffer.decoded, new Uint8Array(10));
    for (const view of views) assert.ok(view.close());
  });
});
