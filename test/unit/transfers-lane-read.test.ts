/**
 * Reads whose data comes by a bulk lane, at every moment between their submission and their end:
 * the local bytes are the caller's at the end of a transfer, whatever still comes, and what an
 * owner stores after `unregister` reaches nobody.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TransferOp } from '../../core/transfer/transfer-wire.js';
import { byteLength, createLaneScene, half, type LaneScene } from './transfers-lane-scene.js';
import type { Watched } from './transfers-rig.js';

const content = Uint8Array.from({ length: byteLength }, (_, index) => index * 7 + 1);

interface Scene extends LaneScene {
  readonly local: Uint8Array;
  readonly abort: AbortController;
  /** The read of the whole buffer, whose body is on the lane. */
  readonly received: Watched;
}

async function withRead(run: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = await createLaneScene(new Uint8Array(content));
  const { rig, lane, decoded } = scene;
  const local = new Uint8Array(byteLength);
  const abort = new AbortController();
  const { signal } = abort;
  const received = rig.watch(rig.transfers.receive(decoded, local, { signal }));
  await rig.settle();
  assert.equal(lane.owner.outgoing.length, 1);
  await run({ ...scene, local, abort, received });
  assert.equal(received.count, 1);
  await rig.close();
}

describe('a read by a bulk lane', () => {
  it('is one body, and done when it has landed and the owner has answered', async () => {
    await withRead(async ({ rig, lane, local, received }) => {
      lane.owner.land(lane.owner.begin());
      await rig.settle();
      assert.deepEqual(local, content, 'it has landed');
      assert.equal(received.ending, undefined, 'the owner has not answered');
      lane.owner.free();
      await rig.settle();
      assert.equal(received.ending, 'done');
      assert.equal(rig.count(TransferOp.Read), 0);
      assert.equal(rig.server.statistics().laneBytes, byteLength);
    });
  });

  it('is not done by the answer alone', async () => {
    await withRead(async ({ rig, lane, local, received }) => {
      const body = lane.owner.begin();
      lane.owner.carry(body, half);
      lane.owner.free();
      await rig.settle();
      assert.equal(received.ending, undefined);
      lane.owner.land(body);
      await rig.settle();
      assert.equal(received.ending, 'done');
      assert.deepEqual(local, content);
    });
  });

  it('leaves the local bytes alone once it was given up, whatever still comes', async () => {
    await withRead(async ({ rig, lane, local, abort, received }) => {
      const body = lane.owner.begin();
      assert(lane.owner.carry(body, half));
      abort.abort();
      await rig.wait(() => received.ending !== undefined);
      assert.equal(received.ending, 'CANCELLED maybe');
      local.fill(0x77);
      assert(!lane.owner.carry(body, half));
      assert.deepEqual(local, new Uint8Array(byteLength).fill(0x77));
      assert(!lane.holder.isClosed, 'the lane goes on');
    });
  });

  it('takes no body that begins to come after it was given up', async () => {
    await withRead(async ({ rig, lane, local, abort, received }) => {
      abort.abort();
      await rig.wait(() => received.ending !== undefined);
      local.fill(0x77);
      lane.flow();
      await rig.settle();
      assert.deepEqual(local, new Uint8Array(byteLength).fill(0x77));
      assert.equal(rig.corruptCount, 0, 'that is legal');
    });
  });

  it('is given up at once if only its body is missing', async () => {
    await withRead(async ({ rig, lane, local, abort, received }) => {
      const body = lane.owner.begin();
      lane.owner.free();
      await rig.settle();
      abort.abort();
      await rig.turn();
      assert.equal(received.ending, 'CANCELLED maybe');
      lane.owner.land(body);
      assert.deepEqual(local, new Uint8Array(byteLength));
    });
  });

  it('comes inline if the lane is lost, before the answer or after it', async () => {
    for (const isAnswered of [false, true]) {
      await withRead(async ({ rig, lane, local, received }) => {
        if (isAnswered) lane.owner.free();
        await rig.settle();
        lane.cut();
        await rig.wait(() => received.ending !== undefined);
        assert.equal(received.ending, 'done');
        assert.deepEqual(local, content);
        assert(rig.count(TransferOp.Read) > 0);
      });
    }
  });
});

describe('several reads by a bulk lane', () => {
  it('settle once each if the lane is lost between their answers and their bodies', async () => {
    for (const isGivenUp of [false, true]) {
      const scene = await createLaneScene(new Uint8Array(3 * byteLength).fill(7));
      const { rig, lane, memory, decoded } = scene;
      const local = new Uint8Array(memory.byteLength);
      const abort = new AbortController();
      const { signal } = abort;
      const received = rig.watch(rig.transfers.receive(decoded, local, { signal }));
      await rig.settle();
      const bodyCount = lane.owner.outgoing.length;
      assert(bodyCount > 1, 'it takes several bodies');
      for (let count = 0; count < bodyCount; count += 1) lane.owner.free();
      await rig.settle();
      if (isGivenUp) abort.abort();
      // What the first of them does when it is lost concerns the others.
      lane.cut();
      await rig.wait(() => received.ending !== undefined);
      assert.equal(received.ending, isGivenUp ? 'CANCELLED maybe' : 'done');
      assert.equal(received.count, 1);
      if (!isGivenUp) assert.deepEqual(local, memory);
      await rig.close();
    }
  });
});

describe('unregister, while a lane reads the buffer', () => {
  it('waits until the lane has let go of it', async () => {
    await withRead(async ({ rig, lane, local, received, unregister }) => {
      let isOver = false;
      void unregister().then(() => (isOver = true));
      await rig.settle();
      assert(!isOver);
      lane.flow();
      await rig.settle();
      assert(isOver);
      assert.equal(received.ending, 'done');
      assert.deepEqual(local, content);
      assert(!lane.owner.isClosed);
    });
  });

  it('closes the lane if that takes too long, and nothing stored later goes out', async () => {
    await withRead(async ({ rig, lane, memory, local, received, unregister }) => {
      const startMs = rig.nowMs;
      let isOver = false;
      void unregister().then(() => (isOver = true));
      await rig.wait(() => isOver, 5);
      assert(rig.nowMs - startMs < 500);
      assert(lane.owner.isClosed);
      memory.fill(0x77);
      await rig.wait(() => received.ending !== undefined);
      assert.equal(received.ending, 'STALE_REFERENCE maybe');
      assert(!local.includes(0x77) || content.includes(0x77), 'nothing came');
      assert.deepEqual(local, new Uint8Array(byteLength));
    });
  });
});
