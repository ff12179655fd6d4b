/** N1, N2 and N12: how lanes begin, and who turns them away. */
import assert from 'node:assert/strict';
import { claimMs, Fault, unclaimedLanesMax, type Address } from '../../core/contract.js';
import type { LaneEnd } from './lane-end.js';
import type { LaneCheck, LaneRig } from './lane-rig.js';
import type { TestDomain } from './test-domain.js';

const none = new Uint8Array(0);
const absenceFaults: readonly (Fault | undefined)[] = [
  Fault.Refused,
  Fault.Unreachable,
  Fault.NotFound,
  Fault.TimedOut,
];

export function checkLaneOpening(check: LaneCheck): void {
  checkOpen(check);
  checkLinkUp(check);
  checkClaims(check);
}

function checkOpen(check: LaneCheck): void {
  check('N1 capabilities: bulk is lane, and openLane is there', async (lanes) => {
    for (const domain of [lanes.listeningDomain(), lanes.diallingDomain()]) {
      assert.equal(domain.transport.capabilities.bulk, 'lane');
      assert.ok(domain.transport.openLane !== undefined);
    }
    await lanes.rig.quiet();
  });

  check('N1 openLane: dialling nobody gives one linkDown, later', async (lanes) => {
    const address = await lanes.rig.harness.absentAddress();
    const end = lanes.open(lanes.diallingDomain(), address);
    assert.equal(end.fault, undefined);
    await lanes.rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.identity, undefined);
    assert.ok(absenceFaults.includes(end.fault), end.fault);
    await lanes.rig.quiet();
  });
}

function checkLinkUp(check: LaneCheck): void {
  check('N2 linkUp: comes once at both ends and names the peer as proven', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    for (const end of [dialler, acceptor]) {
      assert.ok(end.identity !== undefined);
      assert.ok(Object.isFrozen(end.identity));
      if (end.identity.kind === 'unproven') assert.equal(end.identity.name, '');
    }
  });

  check('N2 what was accepted as a link goes down Closed, and is a lane then', async (lanes) => {
    const { listener } = await lanes.pair();
    for (const link of listener.links) {
      assert.equal(link.fault, Fault.Closed);
      assert.equal(link.frameCount, 0);
    }
    await lanes.rig.until('closed', () => listener.links.every((link) => link.isClosed));
    assert.equal(listener.lanes.length, 1);
  });

  check('N2 a listener that takes no lanes: the dialler never comes up', async (lanes) => {
    const listener = await lanes.rig.listen();
    const address = await lanes.rig.dialAddress(listener);
    const end = lanes.open(lanes.diallingDomain(), address);
    await lanes.rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.identity, undefined);
    assert.equal(end.fault, Fault.Refused);
    assert.equal(listener.ends[0]?.fault, Fault.Corrupt);
  });

  check('N2 links and lanes of one listener go side by side', async (lanes) => {
    const { listener, dialling, dialler, acceptor } = await lanes.pair();
    const link = dialling.open(await lanes.dialAddress(listener));
    await lanes.rig.until('up', () => link.isUp && listener.links.some((end) => end.isUp));
    assert.ok(link.send(Uint8Array.of(1, 2, 3)));
    assert.equal(dialler.send(Uint8Array.of(1), new Uint8Array(100_000)), 0);
    await lanes.rig.until('both arrived', () => {
      return acceptor.landedCount === 1 && listener.links.some((end) => end.frameCount === 1);
    });
    link.close();
    await lanes.rig.until('closed', () => link.isClosed);
    assert.ok(dialler.isUp);
  });

  check('N8 close in linkUp, in target and in landed is legal', async (lanes) => {
    const { listener, dialling } = await lanes.pair();
    const address = await lanes.dialAddress(listener);
    const first = lanes.open(dialling, address);
    first.onUp = () => {
      first.close();
    };
    await lanes.rig.until('closed', () => first.isClosed);
    for (const when of ['target', 'landed'] as const) {
      const { dialler, acceptor } = await lanes.dial(dialling, listener);
      if (when === 'landed') acceptor.onLanded = () => acceptor.close();
      else acceptor.onTarget = (_, byteLength) => (acceptor.close(), new Uint8Array(byteLength));
      assert.equal(dialler.send(Uint8Array.of(1), new Uint8Array(100_000)), 0);
      assert.equal(dialler.send(Uint8Array.of(2), new Uint8Array(100_000)), 0);
      await lanes.rig.until('closed', () => acceptor.isClosed);
      await lanes.rig.until('the peer knows', () => dialler.fault !== undefined);
      assert.equal(acceptor.targetCount, 1);
    }
  });
}

function checkClaims(check: LaneCheck): void {
  check('N12 a first target that is refused ends the lane as AccessDenied', async (lanes) => {
    const listener = await lanes.listen();
    listener.onLane = (end) => (end.onTarget = () => undefined);
    const { dialler, acceptor } = await lanes.dial(lanes.diallingDomain(), listener);
    assert.equal(dialler.send(Uint8Array.of(1), new Uint8Array(100_000)), 0);
    await lanes.rig.until('linkDown', () => acceptor.fault !== undefined);
    assert.equal(acceptor.fault, Fault.AccessDenied);
    await lanes.rig.until('the dialler knows', () => dialler.fault !== undefined);
  });

  check('N12 a lane that nobody claims is TimedOut after claimMs', async (lanes) => {
    const listener = await lanes.listen();
    const { clock } = lanes.rig.harness.runtime;
    const startMs = clock.now();
    const { dialler, acceptor } = await lanes.dial(lanes.diallingDomain(), listener);
    await lanes.rig.until('linkDown', () => acceptor.fault !== undefined);
    assert.equal(acceptor.fault, Fault.TimedOut);
    assert.ok(clock.now() - startMs > claimMs - 50, 'not before its time');
    await lanes.rig.until('the dialler knows', () => dialler.fault !== undefined);
  });

  check('N12 with unclaimedLanesMax unclaimed the next is Refused, until one is', async (lanes) => {
    const listener = await lanes.listen();
    const dialling = lanes.diallingDomain();
    const address = await lanes.dialAddress(listener);
    const crowd = Array.from({ length: unclaimedLanesMax }, () => lanes.open(dialling, address));
    await lanes.rig.until('all are up', () => crowd.every((end) => end.isUp));
    assert.equal((await dialNext(lanes, dialling, address)).fault, Fault.Refused);
    const [claiming, leaving] = crowd;
    assert.equal(claiming?.send(Uint8Array.of(1), none), 0);
    await lanes.rig.until('claimed', () => listener.lanes.some((end) => end.landedCount === 1));
    assert.ok((await dialNext(lanes, dialling, address)).isUp);
    assert.equal((await dialNext(lanes, dialling, address)).fault, Fault.Refused);
    leaving?.close();
    const isGone = (): boolean => listener.lanes.some((end) => end.fault !== undefined);
    await lanes.rig.until('one has left', isGone);
    assert.ok((await dialNext(lanes, dialling, address)).isUp);
  });
}

async function dialNext(lanes: LaneRig, dialling: TestDomain, address: Address): Promise<LaneEnd> {
  const end = lanes.open(dialling, address);
  await lanes.rig.until('answered', () => end.isUp || end.fault !== undefined);
  return end;
}
