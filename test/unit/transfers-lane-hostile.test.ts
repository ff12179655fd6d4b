/**
 * What no legal peer says on a bulk lane: it is CORRUPT, the lane is over, and no byte of it is
 * anywhere. What a legal one may say at an unlucky moment is not.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BodyHeads, BodyKind, tokenBytes } from '../../core/transfer/lane-wire.js';
import { operationBytes, TransferOp } from '../../core/transfer/transfer-wire.js';
import type { RigLane } from './transfers-lane.js';
import { HolderRig } from './transfers-rig.js';

const byteLength = 8_000;
const bytes = new Uint8Array(byteLength).fill(0x11);
const operation = new Uint8Array(operationBytes).fill(9);

interface Scene {
  readonly rig: HolderRig;
  readonly lane: RigLane;
  readonly memory: Uint8Array;
  /** A stamp of the owner that is good. */
  readonly stamp: number;
}

/** A buffer of 8,000 bytes in the middle of others, which the owner knows by the name 0. */
async function withLane(run: (scene: Scene) => Promise<void>): Promise<void> {
  const rig = new HolderRig();
  const lane = rig.addLane(await rig.addWay());
  const memory = new Uint8Array(3 * byteLength);
  const { decoded } = rig.register(memory.subarray(byteLength, 2 * byteLength));
  assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(byteLength))), 'done');
  assert.equal(rig.count(TransferOp.Name), 1);
  await run({ rig, lane, memory, stamp: rig.nowMs - 1 });
  assert.deepEqual(memory, new Uint8Array(memory.length), 'nothing was written');
  await rig.close();
}

function wordOf(header: Uint8Array, at: number, word: number): Uint8Array {
  const changed = new Uint8Array(header);
  new DataView(changed.buffer).setUint32(at, word, true);
  return changed;
}

function floatOf(header: Uint8Array, at: number, value: number): Uint8Array {
  const changed = new Uint8Array(header);
  new DataView(changed.buffer).setFloat64(at, value, true);
  return changed;
}

const heads = new BodyHeads();
const good = new Uint8Array(heads.write(7, 0, 0, 1, operation));
const headers: readonly (readonly [string, Uint8Array])[] = [
  ['a kind that does not exist', wordOf(good, 0, 4)],
  ['a kind of 0', wordOf(good, 0, 0)],
  ['bytes behind the kind', wordOf(good, 0, BodyKind.Write + 0x100)],
  ['a byte too many', Uint8Array.of(...good, 0)],
  ['a byte too few', good.subarray(0, -1)],
  ['a single byte', Uint8Array.of(BodyKind.Write)],
  ['a field that is zero', wordOf(good, 12, 1)],
  ['an offset below 0', floatOf(good, 16, -1)],
  ['an offset between two bytes', floatOf(good, 16, 0.5)],
  ['an offset that is no number', floatOf(good, 16, NaN)],
  ['a stamp below 0', floatOf(good, 24, -1)],
  ['a stamp that is no number', floatOf(good, 24, NaN)],
  ['a stamp without end', floatOf(good, 24, Infinity)],
  ['a token, again', new Uint8Array(heads.hello(new Uint8Array(tokenBytes)))],
];

describe('what no legal peer says on a lane', () => {
  for (const [what, header] of headers) {
    it(`${what}: CORRUPT, and nothing else`, async () => {
      await withLane(async ({ rig, lane }) => {
        lane.holder.send(header, bytes);
        lane.holder.land(lane.holder.begin());
        await rig.settle();
        assert.equal(rig.corruptCount, 1);
        assert(lane.owner.isClosed);
      });
    });
  }

  it('two bodies of one number: CORRUPT', async () => {
    await withLane(async ({ rig, lane }) => {
      for (const stamp of [0, 0]) lane.holder.send(heads.write(3, 0, 0, stamp, operation), bytes);
      lane.flow();
      await rig.settle();
      assert.equal(rig.corruptCount, 1);
      assert(lane.owner.isClosed);
    });
  });

  it('a body of another length than was asked for: CORRUPT, and no byte of it', async () => {
    const rig = new HolderRig();
    const lane = rig.addLane(await rig.addWay());
    const local = new Uint8Array(byteLength);
    const { decoded } = rig.register(bytes);
    const received = rig.watch(rig.transfers.receive(decoded, local));
    await rig.settle();
    lane.owner.outgoing.length = 0;
    lane.owner.send(heads.read(0), bytes.subarray(1));
    lane.owner.land(lane.owner.begin());
    assert.deepEqual(local, new Uint8Array(byteLength));
    assert.equal(rig.corruptCount, 1);
    assert(lane.holder.isClosed);
    await rig.wait(() => received.ending !== undefined);
    await rig.close();
  });
});

describe('what an owner refuses on a lane', () => {
  const cases = [
    ['beyond the end', (stamp: number) => heads.write(3, 0, 1, stamp, operation)],
    ['far beyond the end', (stamp: number) => heads.write(3, 0, 2 ** 52, stamp, operation)],
    ['by a name that was not told', (stamp: number) => heads.write(3, 1, 0, stamp, operation)],
    ['by a name of another round', (stamp: number) => heads.write(3, 64, 0, stamp, operation)],
    [
      'with a stamp that was not given',
      (stamp: number) => heads.write(3, 0, 0, stamp + 1e6, operation),
    ],
    ['with a stamp that is too old', () => heads.write(3, 0, 0, 0, operation)],
  ] as const;
  for (const [what, makeHeader] of cases) {
    it(`${what}: no byte of it, and the lane goes on`, async () => {
      await withLane(async ({ rig, lane, stamp }) => {
        lane.holder.send(makeHeader(stamp), bytes);
        lane.flow();
        await rig.settle();
        assert.equal(rig.corruptCount, 0);
        assert(!lane.owner.isClosed);
      });
    });
  }

  it('a body that nobody asked for: no byte of it, and the lane goes on', async () => {
    await withLane(async ({ rig, lane }) => {
      lane.owner.send(heads.read(12_345), bytes);
      lane.flow();
      await rig.settle();
      assert.equal(rig.corruptCount, 0);
      assert(!lane.holder.isClosed);
    });
  });
});
