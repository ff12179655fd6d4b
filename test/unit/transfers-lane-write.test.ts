/**
 * Writes whose data goes by a bulk lane, at every moment between their submission and their end:
 * nothing lands late (B5), nothing is said to be done or never executed that is not, and the local
 * bytes are free only when the lane has let go of them.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import { TransferOp } from '../../core/transfer/transfer-wire.js';
import { byteLength, createLaneScene, half, type LaneScene } from './transfers-lane-scene.js';
import { HolderRig, leaseMsOfHolderRig, type Watched } from './transfers-rig.js';

const old = new Uint8Array(byteLength).fill(0x11);
const fresh = new Uint8Array(byteLength).fill(0x22);

/** A buffer of zeros, a lane, and a reference whose name the owner has been told. */
async function withLane(run: (scene: LaneScene) => Promise<void>): Promise<void> {
  const scene = await createLaneScene(new Uint8Array(byteLength));
  const { rig, lane, decoded } = scene;
  // Goes inline, and tells the name.
  assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(byteLength))), 'done');
  assert.equal(rig.count(TransferOp.Name), 1);
  assert.equal(lane.holder.outgoing.length, 0);
  await run(scene);
  await rig.close();
}

/** Everything that is ready to happen has happened. */
async function startWrite({ rig, decoded }: LaneScene, bytes: Uint8Array): Promise<Watched> {
  const sent = rig.watch(rig.transfers.send(decoded, bytes));
  await rig.settle();
  return sent;
}

describe('a write by a bulk lane', () => {
  it('is one body, and done when the owner has answered and the source is free', async () => {
    await withLane(async (scene) => {
      const { rig, lane, memory } = scene;
      const inlineCount = rig.count(TransferOp.Write);
      const sent = await startWrite(scene, fresh);
      assert.equal(lane.holder.outgoing.length, 1);
      const body = lane.holder.begin();
      lane.holder.land(body);
      await rig.settle();
      assert.deepEqual(memory, fresh, 'it has landed');
      assert.equal(sent.ending, undefined, 'the lane may still read the source');
      lane.holder.free();
      await rig.settle();
      assert.equal(sent.ending, 'done');
      assert.equal(rig.count(TransferOp.Write), inlineCount, 'nothing went inline');
      const { laneBytes } = rig.server.statistics();
      assert.equal(laneBytes, byteLength);
      let isOver = false;
      void scene.unregister().then(() => (isOver = true));
      await rig.settle();
      assert(isOver, 'the access is over');
    });
  });

  it('is not done before its body has landed', async () => {
    await withLane(async (scene) => {
      const { rig, lane } = scene;
      const sent = await startWrite(scene, fresh);
      const body = lane.holder.begin();
      lane.holder.carry(body, byteLength - 1);
      lane.holder.free();
      await rig.settle();
      assert.equal(sent.ending, undefined);
      lane.holder.land(body);
      await rig.settle();
      assert.equal(sent.ending, 'done');
    });
  });

  it('is answered when its transaction comes later than its body', async () => {
    await withLane(async (scene) => {
      const { rig, way, lane, memory } = scene;
      way.ownerEnd?.clog();
      const sent = await startWrite(scene, fresh);
      lane.flow();
      await rig.settle();
      assert.deepEqual(memory, fresh);
      assert.equal(sent.ending, undefined);
      way.ownerEnd?.unclog();
      await rig.settle();
      assert.equal(sent.ending, 'done');
    });
  });

  it('marks what it has written, and is counted for its holder', async () => {
    const rig = new HolderRig();
    const lane = rig.addLane(await rig.addWay());
    const buffer = rig.register(new Uint8Array(byteLength), { trackWrites: true });
    assert.equal(await rig.end(rig.transfers.send(buffer.decoded, old)), 'done');
    buffer.takeWrittenBlocks();
    const sent = rig.watch(rig.transfers.send(buffer.decoded, fresh.subarray(0, half)));
    await rig.settle();
    lane.holder.carry(lane.holder.begin(), 1);
    assert.deepEqual(buffer.takeWrittenBlocks(), [{ offset: 0, byteLength: 4_096 }]);
    lane.holder.end.close();
    await rig.wait(() => sent.ending !== undefined);
    assert.equal(sent.ending, 'done', 'inline, in the end');
    assert.equal(buffer.takeWrittenBlocks().length, 1);
    await rig.close();
  });
});

describe('a write on a lane that has begun to land', () => {
  it('writes nothing more once another way has fenced it', async () => {
    await withLane(async (scene) => {
      const { rig, way, lane, memory } = scene;
      const sent = await startWrite(scene, old);
      const body = lane.holder.begin();
      assert(lane.holder.carry(body, half));
      await rig.addWay();
      way.lose();
      // The holder’s end of the lane goes with its channel; the owner knows nothing yet.
      lane.holder.end.linkDown('closed');
      await rig.wait(() => sent.ending !== undefined);
      assert.equal(sent.ending, 'done', 'by the other way');
      assert.equal(rig.count(TransferOp.Fence), 1);
      assert.equal(await rig.end(rig.transfers.send(scene.decoded, fresh)), 'done');
      assert(!lane.holder.carry(body, half), 'the rest is refused');
      assert.deepEqual(memory, fresh);
    });
  });

  it('writes nothing more once its lease ran out', async () => {
    await withLane(async (scene) => {
      const { rig, lane, memory } = scene;
      const sent = await startWrite(scene, old);
      const body = lane.holder.begin();
      assert(lane.holder.carry(body, half));
      lane.holder.free();
      await rig.pass(leaseMsOfHolderRig + 50);
      assert(!lane.holder.carry(body, half));
      assert.deepEqual(memory.subarray(half), new Uint8Array(half));
      await rig.wait(() => {
        lane.flow();
        return sent.ending !== undefined;
      });
      assert.equal(sent.ending, 'done', 'sent again, under another number');
      assert.equal(rig.server.statistics().staleWrites, 1);
    });
  });

  it('writes nothing more once the buffer is unregistered, which waits for nobody', async () => {
    await withLane(async (scene) => {
      const { rig, lane, memory } = scene;
      const sent = await startWrite(scene, old);
      const body = lane.holder.begin();
      assert(lane.holder.carry(body, half));
      let isOver = false;
      void scene.unregister().then(() => (isOver = true));
      await Promise.resolve();
      assert(isOver, 'no access was in flight between two turns');
      memory.fill(0x77);
      assert(!lane.holder.carry(body, half));
      assert.deepEqual(memory, new Uint8Array(byteLength).fill(0x77));
      lane.holder.free();
      await rig.settle();
      assert.equal(sent.ending, 'STALE_REFERENCE maybe', 'half of it was there');
    });
  });

  it('writes nothing more once its holder has given it up', async () => {
    await withLane(async ({ rig, lane, memory, decoded }) => {
      const abort = new AbortController();
      const sent = rig.watch(rig.transfers.send(decoded, old, { signal: abort.signal }));
      await rig.settle();
      const body = lane.holder.begin();
      assert(lane.holder.carry(body, half));
      abort.abort();
      await rig.settle();
      assert.equal(sent.ending, undefined, 'the lane still reads the source');
      assert(!lane.holder.carry(body, half));
      lane.holder.free();
      await rig.settle();
      assert.equal(sent.ending, 'CANCELLED maybe');
      assert.deepEqual(memory.subarray(half), new Uint8Array(half));
    });
  });
});

describe('a write on a lane that does not land', () => {
  it('is never executed if the owner refuses its body', async () => {
    await withLane(async (scene) => {
      const { rig, lane, memory } = scene;
      const sent = await startWrite(scene, old);
      await scene.unregister();
      lane.flow();
      await rig.settle();
      assert.equal(sent.ending, 'STALE_REFERENCE never');
      assert.deepEqual(memory, new Uint8Array(byteLength));
    });
  });

  it('goes inline if the lane is lost, and lands once', async () => {
    await withLane(async (scene) => {
      const { rig, lane, memory } = scene;
      const sent = await startWrite(scene, fresh);
      lane.cut();
      await rig.wait(() => sent.ending !== undefined);
      assert.equal(sent.ending, 'done');
      assert.equal(sent.count, 1);
      assert.deepEqual(memory, fresh);
      assert.equal(rig.server.statistics().laneBytes, 0);
    });
  });

  it('may have been executed though its transaction was never handled', async () => {
    await withLane(async ({ rig, way, lane, memory, decoded }) => {
      way.ownerEnd?.clog();
      const abort = new AbortController();
      const sent = rig.watch(rig.transfers.send(decoded, fresh, { signal: abort.signal }));
      await rig.settle();
      lane.flow();
      assert.deepEqual(memory, fresh);
      // Its goodbye says which transactions were handled.
      void rig.ownerChannelOf(way).endpoint.destroy({ drainMs: 0 });
      await rig.wait(() => !way.channel.isConnected);
      await rig.settle();
      abort.abort();
      await rig.wait(() => sent.ending !== undefined);
      assert.equal(sent.ending, 'CANCELLED maybe');
    });
  });

  it('gives its local bytes back in bounded time, given up while the peer stalls', async () => {
    await withLane(async ({ rig, lane, decoded }) => {
      const abort = new AbortController();
      const local = new Uint8Array(old);
      const sent = rig.watch(rig.transfers.send(decoded, local, { signal: abort.signal }));
      await rig.settle();
      const startMs = rig.nowMs;
      abort.abort();
      await rig.wait(() => sent.ending !== undefined, 5);
      assert.equal(sent.ending, 'CANCELLED maybe');
      assert(lane.holder.isClosed, 'only then nobody reads them');
      assert(rig.nowMs - startMs < 1_000);
    });
  });

  it('ends with its lane if nothing moves on it any more', async () => {
    await withLane(async (scene) => {
      const { rig, lane, memory } = scene;
      const sent = await startWrite(scene, fresh);
      await rig.pass(15_000, 50);
      assert(lane.holder.isClosed);
      assert.equal(sent.ending, 'done', 'inline');
      assert.deepEqual(memory, fresh);
    });
  });
});

describe('the names of references on a lane', () => {
  it('are told again when newer ones have taken their place', async () => {
    await withLane(async ({ rig, lane, memory, decoded }) => {
      const write = async (reference: RemoteBufferReference): Promise<void> => {
        const sent = rig.watch(rig.transfers.send(reference, fresh));
        await rig.wait(() => {
          lane.flow();
          return sent.ending !== undefined;
        });
        assert.equal(sent.ending, 'done');
      };
      for (let count = 0; count < 64; count++) {
        await write(rig.register(new Uint8Array(byteLength)).decoded);
      }
      assert.equal(rig.count(TransferOp.Name), 65);
      await write(decoded);
      assert.equal(rig.count(TransferOp.Name), 66);
      const { laneBytes } = rig.server.statistics();
      await write(decoded);
      assert.equal(rig.server.statistics().laneBytes, laneBytes + byteLength);
      assert.deepEqual(memory, fresh);
      assert.equal(rig.corruptCount, 0);
    });
  });
});
