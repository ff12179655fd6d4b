/**
 * Remote buffers between domains that have two transports: a lost path is replaced by the other
 * one, nothing of the lost one lands later, and a relay joins paths of different kinds.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { handOver, areEqual, isFilledWith, lend, outcomeOf, type Sides } from './buffer/sides.js';
import { Running, directions, transfer } from './buffer/running.js';
import type { EndpointWorld } from './index.js';
import { contentOf } from './endpoint/content.js';
import { makeMemoryWorld } from './endpoint/memory-world.js';
import { Stage } from './endpoint/stage.js';
import { seedOfThisRun } from './random.js';
import { makeRingWorld } from './ring-harness.js';
import { makeTcpWorld } from './tcp-world.js';

const byteLength = 2 ** 20 + 3;
const transfers = { pieceBytes: 4096 };

/** Two worlds: the first one can be severed and cut, the second one stays. */
interface Crossing {
  readonly stage: Stage;
  readonly second: EndpointWorld;
}

/** Two domains with a path over each world. */
async function makeTwoPaths({ stage, second }: Crossing): Promise<Sides> {
  const transports = [second.transport];
  const owner = stage.domain('owner', { transports, transfers });
  const user = stage.domain('user', { transports, transfers });
  const first = await stage.listen(owner, 'first');
  const other = await stage.listen(owner, 'second', { address: second.listenAddress('second') });
  const front = stage.dial(user, 'front', first.address);
  const back = await stage.connected(front, first);
  const otherFront = stage.dial(user, 'other front', other.address);
  await stage.connected(otherFront, other);
  return { owner, user, ownerEnd: back, userEnd: front, address: first.address };
}

/** The first path is lost in the middle and does not come back. */
async function changePath(crossing: Crossing): Promise<void> {
  const { stage } = crossing;
  const sides = await makeTwoPaths(crossing);
  for (const direction of directions) {
    const { bytes, reference, buffer } = await lend(sides, contentOf(1, byteLength));
    const local = contentOf(2, byteLength);
    const act = (): void => {
      stage.tap.cut('user');
      stage.world.sever();
    };
    const running = new Running(sides.user, direction, reference, local, { share: 0.3, act });
    assert.equal(await running.outcome, 'OK');
    const expected = contentOf(direction === 'send' ? 2 : 1, byteLength);
    assert.ok(areEqual(bytes, expected) && areEqual(local, expected), `${direction}: all is right`);
    // What was on the first path must not land any more.
    bytes.fill(0xee);
    stage.tap.mend('user');
    await stage.until('the first path is back', () => sides.userEnd.isConnected);
    await stage.turns(20);
    assert.ok(isFilledWith(bytes, 0xee), 'nothing lands late');
    await buffer.unregister();
  }
}

/**
 * The bug of NVMe over fabrics: a write is delayed on one path, its holder changes to the other one
 * and writes anew, and then the old write arrives.
 */
async function delayWrites(crossing: Crossing): Promise<void> {
  const { stage, second } = crossing;
  const transports = [second.transport];
  const owner = stage.domain('owner', { transports, transfers });
  const user = stage.domain('user', { transports, transfers });
  // The owner dials the first path, so what the tap holds is what comes to the owner.
  const service = await stage.listen(user, 'first');
  const ownerEnd = stage.dial(owner, 'owner', service.address);
  await stage.connected(ownerEnd, service);
  const bytes = new Uint8Array(byteLength).fill(1);
  const buffer = owner.registerBuffer(bytes, { access: 'readWrite' });
  const reference = await handOver(ownerEnd, buffer.reference);
  const local = new Uint8Array(byteLength).fill(2);
  const act = (): void => {
    stage.tap.hold('owner');
  };
  const running = new Running(user, 'send', reference, local, { share: 0.3, act });
  await running.reached.opened;
  // Time for all pieces of one window to arrive, and to be held.
  await stage.turns(20);
  assert.ok(!running.isOver, 'it waits for the pieces that are held');
  const other = await stage.listen(owner, 'second', { address: second.listenAddress('second') });
  const front = stage.dial(user, 'other front', other.address);
  await stage.connected(front, other);
  stage.tap.cut('owner');
  stage.world.sever();
  assert.equal(await running.outcome, 'OK');
  assert.ok(isFilledWith(bytes, 2), 'all of it is there, by the second path');
  assert.equal(await transfer(user, 'send', reference, local.fill(3)), 'OK');
  assert.ok(isFilledWith(bytes, 3), 'and so is the next one');
  const [before] = buffer.uses();
  stage.tap.release('owner');
  await stage.turns(50);
  const [after] = buffer.uses();
  assert.ok(isFilledWith(bytes, 3), 'what was held does not land');
  assert.equal(after?.writes, before?.writes, 'none of it was executed');
  stage.tap.mend('owner');
}

/** Both paths serve one reference at the same time, whichever is taken. */
async function lendOverBoth(crossing: Crossing): Promise<void> {
  const { stage } = crossing;
  const sides = await makeTwoPaths(crossing);
  const bytes = sides.owner.allocateBuffer(byteLength, { shared: true });
  bytes.set(contentOf(1, byteLength));
  const { reference, buffer } = await lend(sides, bytes, { mode: 'map' });
  assert.equal(buffer.mode, stage.tap.hasMemory ? 'map' : 'copy');
  const local = new Uint8Array(byteLength);
  await sides.user.receiveFromRemoteBuffer(reference, local);
  assert.ok(areEqual(local, bytes), 'over the first path');
  stage.tap.cut('user');
  stage.world.sever();
  await stage.until('the first path is lost', () => !sides.userEnd.isConnected);
  bytes.fill(5);
  await sides.user.receiveFromRemoteBuffer(reference, local);
  assert.ok(isFilledWith(local, 5), 'over the second path');
  await buffer.unregister();
  assert.equal(await transfer(sides.user, 'send', reference, local), 'STALE_REFERENCE never');
  stage.tap.mend('user');
}

/** Owner and relay meet in the first world, relay and user in the second one. */
async function joinPaths({ stage, second }: Crossing): Promise<void> {
  const transports = [second.transport];
  const owner = stage.domain('owner');
  const relay = stage.domain('relay', { transports });
  const user = stage.domain('user', { transports });
  const near = await stage.listen(relay, 'near');
  const far = await stage.listen(relay, 'far', { address: second.listenAddress('far') });
  const ownerEnd = stage.dial(owner, 'owner', near.address);
  await stage.connected(ownerEnd, near);
  const userEnd = stage.dial(user, 'user', far.address);
  const relayEnd = await stage.connected(userEnd, far);
  const bytes = contentOf(1, byteLength);
  const buffer = owner.registerBuffer(bytes, { access: 'readWrite' });
  const atRelay = await handOver(ownerEnd, buffer.reference);
  const atUser = await handOver(relayEnd, atRelay);
  const received = new Uint8Array(byteLength);
  assert.equal(await outcomeOf(user.receiveFromRemoteBuffer(atUser, received)), 'OK');
  assert.ok(areEqual(received, bytes), 'received');
  assert.equal(await outcomeOf(user.sendToRemoteBuffer(atUser, contentOf(2, byteLength))), 'OK');
  assert.ok(areEqual(bytes, contentOf(2, byteLength)), 'sent');
  const [use] = buffer.uses();
  assert.deepEqual([use?.domainName, use?.isRelayed], ['relay', true]);
  assert.equal(await outcomeOf(relay.receiveFromRemoteBuffer(atRelay, received)), 'OK');
  const [latest] = buffer.uses();
  assert.deepEqual([latest?.domainName, latest?.isRelayed], ['relay', false]);
}

const stories: Readonly<Record<string, (crossing: Crossing) => Promise<void>>> = {
  'a path that is lost in the middle is replaced by the other, and nothing lands late': changePath,
  'a delayed write on the first path does not land after those on the second one': delayWrites,
  'one reference is served over both paths, lent or copied': lendOverBoth,
  'a relay joins two transports': joinPaths,
};

const firstWorlds = {
  memory: makeMemoryWorld,
  ring: (): EndpointWorld => makeRingWorld('mapped'),
};

for (const [name, makeFirst] of Object.entries(firstWorlds)) {
  describe(`remote buffers over ${name} and tcp`, () => {
    for (const [fact, play] of Object.entries(stories)) {
      it(fact, async (context) => {
        const seed = seedOfThisRun();
        context.diagnostic(`IDC_SEED=${seed}`);
        const [first, second] = [makeFirst(), makeTcpWorld()];
        try {
          const stage = await Stage.create(first, seed);
          await stage.run((played) => play({ stage: played, second }));
        } finally {
          await Promise.all([first.dispose(), second.dispose()]);
        }
      });
    }
  });
}
