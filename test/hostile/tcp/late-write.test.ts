/**
 * The write that comes too late (B5): a holder writes X over a path that holds it back, fails over
 * to another one, writes Y, and then the old bytes arrive. The owner's memory stays Y for ever.
 */
import assert from 'node:assert/strict';
import { turnUntil } from './hostile-rig.js';
import {
  endlessMs,
  inlineBytes,
  laneBytes,
  lateWrite,
  type LateWriteRig,
} from './late-write-rig.js';

/** What an owner grants that is to be over soon. */
const shortMs = 600;
/** By then every write of before is too old: the clocks may differ, and timers have a grain. */
const expiredMs = shortMs * 1.01 + 20;

/** How a write travels follows from its length. */
const sizes = [
  ['a write', inlineBytes],
  ['a write by bulk lane', laneBytes],
] as const;

async function pass(durationMs: number): Promise<void> {
  const endMs = performance.now() + durationMs;
  await turnUntil(() => performance.now() >= endMs, 'time passes');
}

/** The old bytes arrive after Y, and are refused as the owner counts it. */
async function releaseOld(
  rig: LateWriteRig,
  refused: 'fencedWrites' | 'staleWrites',
): Promise<void> {
  rig.first.release();
  await turnUntil(() => rig.asOwner[refused] === 1, 'the old bytes arrive');
  await rig.holdsOnly('Y');
}

for (const [what, bufferBytes] of sizes) {
  lateWrite(
    `${what} that moved to another path lands there alone`,
    endlessMs,
    async (rig) => {
      const { outcome } = await rig.writeHeld('X');
      rig.failOver();
      assert.equal(await outcome, 'done');
      assert.equal(rig.asHolder.fences, 1);
      await rig.holdsOnly('X');
      await rig.writeOnceReachable('Y');
      await releaseOld(rig, 'fencedWrites');
    },
    bufferBytes,
  );
}

lateWrite(
  'a write given up as maybe is fenced before the next one there',
  endlessMs,
  async (rig) => {
    const { outcome, abort } = await rig.writeHeld('X');
    abort();
    assert.equal(await outcome, 'CANCELLED maybe');
    assert.equal(rig.asHolder.unfenced, 1);
    rig.failOver();
    await rig.writeOnceReachable('Y');
    assert.equal(rig.asHolder.unfenced, 0);
    await releaseOld(rig, 'fencedWrites');
  },
);

lateWrite('a write that nobody could fence is too old when it arrives', shortMs, async (rig) => {
  const { outcome, abort } = await rig.writeHeld('X');
  rig.loseFirst();
  abort();
  assert.equal(await outcome, 'CANCELLED maybe');
  await pass(expiredMs);
  rig.second.isOpen = true;
  await rig.writeOnceReachable('Y');
  assert.equal(rig.asOwner.fences, 0);
  await releaseOld(rig, 'staleWrites');
});

lateWrite('a path that delays everything alike, and is never silent', shortMs, async (rig) => {
  const readCount = 8;
  const { outcome, abort } = await rig.writeHeld('X', (signal) => {
    for (let count = 0; count < readCount; count++) {
      const read = rig.holder.receiveFromRemoteBuffer(rig.reference, rig.fillOf('r'), { signal });
      read.catch(() => undefined);
    }
  });
  rig.loseFirst();
  abort();
  assert.equal(await outcome, 'CANCELLED maybe');
  // The owner goes on hearing of its peer, six times in what it grants.
  const portionBytes = Math.ceil((rig.first.heldBytes - inlineBytes) / readCount);
  for (let count = 1; count <= readCount; count++) {
    rig.first.release(Math.min(portionBytes, rig.first.heldBytes - inlineBytes));
    await turnUntil(() => rig.asOwner.reads >= count - 1, 'reads arrive');
    await pass(shortMs / 6);
  }
  assert.equal(rig.asOwner.reads, readCount);
  rig.second.isOpen = true;
  await rig.writeOnceReachable('Y');
  assert.equal(rig.asOwner.fences, 0);
  await releaseOld(rig, 'staleWrites');
});

lateWrite('after a result of never nothing of it lands', shortMs, async (rig) => {
  const { outcome, abort } = await rig.writeHeld('X');
  await pass(expiredMs);
  const { leasesAsked } = rig.asHolder;
  rig.first.release();
  // Refused as too old; it wants a lease and would come again.
  await turnUntil(() => rig.asHolder.leasesAsked > leasesAsked, 'the refusal comes back');
  await turnUntil(() => rig.first.heldBytes > 0, 'its question is on its way');
  assert.equal(rig.asOwner.staleWrites, 1);
  abort();
  assert.equal(await outcome, 'CANCELLED never');
  rig.failOver();
  await rig.writeOnceReachable('Y');
  const { returnedBytes } = rig.first;
  rig.first.release();
  await turnUntil(() => rig.first.returnedBytes > returnedBytes, 'the old bytes arrive');
  await rig.holdsOnly('Y');
});

for (const [what, bufferBytes] of sizes) {
  lateWrite(
    `${what}: after unregister nothing lands, though the place is used again`,
    endlessMs,
    async (rig) => {
      const { outcome, abort } = await rig.writeHeld('X');
      rig.failOver();
      abort();
      assert.equal(await outcome, 'CANCELLED maybe');
      await rig.buffer.unregister();
      rig.memory.set(rig.fillOf('Y'));
      const again = rig.owner.registerBuffer(rig.memory, { access: 'readWrite' });
      const { refused } = rig.asOwner;
      rig.first.release();
      await turnUntil(() => rig.asOwner.refused > refused, 'the old bytes arrive');
      assert.deepEqual(rig.memory, rig.fillOf('Y'));
      assert.deepEqual(again.uses(), []);
    },
    bufferBytes,
  );

  lateWrite(
    `${what}: a reconnect over the same path leaves the old bytes behind`,
    endlessMs,
    async (rig) => {
      const { outcome } = await rig.writeHeld('X');
      rig.first.loseDiallers();
      assert.equal(await outcome, 'done');
      await rig.writeOnceReachable('Y');
      rig.first.release();
      await turnUntil(() => rig.first.heldLineCount === 0, 'the owner has left the old connection');
      assert.equal(rig.first.heldBytes, 0);
      await rig.holdsOnly('Y');
    },
    bufferBytes,
  );
}
