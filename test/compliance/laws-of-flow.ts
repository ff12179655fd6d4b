/** L6 and L9: a full medium refuses, tells when it has room, and holds up nobody else. */
import assert from 'node:assert/strict';
import { ClaimRefusal, Fault } from '../../core/contract.js';
import type { End } from './end.js';
import type { Check, Rig } from './rig.js';
import type { TestDomain } from './test-domain.js';

/** No medium that never queues holds more than this. */
const mediumBytesMax = 64 * 1024 * 1024;
const chunk: Uint8Array = new Uint8Array(1000).fill(0x5a);

export function checkFlow(check: Check): void {
  checkRefusal(check);
  checkClaimRules(check);
  checkIndependence(check);
  checkPoll(check);
}

/** Sends until a claim is refused; answers how many frames were taken. */
function sendUntilRefused(end: End): number {
  const count = end.sendUpTo(mediumBytesMax / chunk.length, () => chunk);
  assert.ok(end.isWritableDue, 'L6 a claim never queues without end');
  return count;
}

/** Sends until the medium takes no more because the peer does not poll. */
async function sendUntilStuck(rig: Rig, end: End): Promise<number> {
  let count = sendUntilRefused(end);
  await rig.quiet();
  while (!end.isWritableDue) {
    count += sendUntilRefused(end);
    assert.ok(count * chunk.length < mediumBytesMax, 'L6 a medium holds a bounded amount');
    await rig.quiet();
  }
  return count;
}

function checkRefusal(check: Check): void {
  check('L6 claim: after BackPressured exactly one writable follows', async (rig) => {
    const { dialler, acceptor, listening } = await rig.pair();
    listening.pause();
    const sentCount = sendUntilRefused(dialler);
    for (let count = 0; count < 10; count++) {
      assert.equal(dialler.claim(chunk.length), ClaimRefusal.BackPressured);
    }
    assert.equal(dialler.writableCount, 0);
    listening.resume();
    await rig.until('all arrived', () => acceptor.frameCount === sentCount);
    await rig.until('writable', () => dialler.writableCount === 1);
    await rig.quiet();
    assert.equal(dialler.writableCount, 1);
  });

  check('L6 claim: a refusal while the peer drains is answered, time and again', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    for (let round = 1; round <= 20; round++) {
      sendUntilRefused(dialler);
      await rig.until('writable', () => dialler.writableCount === round);
    }
    assert.ok(acceptor.frameCount > 0);
  });

  check('L6 claim: without a refusal there is no writable', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    for (let count = 1; count <= 5; count++) {
      assert.ok(dialler.send(chunk));
      await rig.until('it arrived', () => acceptor.frameCount === count);
    }
    await rig.quiet();
    assert.equal(dialler.writableCount, 0);
  });

  check('L6 claim: a refused link that is severed gets linkDown', async (rig) => {
    const { dialler, listening } = await rig.pair();
    listening.pause();
    await sendUntilStuck(rig, dialler);
    rig.harness.sever();
    await rig.until('linkDown', () => !dialler.isUp);
    assert.equal(dialler.claim(chunk.length), ClaimRefusal.Down);
    await rig.quiet();
  });

  check('L6 claim: a peer that does not poll stops the sender for good', async (rig) => {
    const { dialler, acceptor, listening } = await rig.pair();
    listening.pause();
    const sentCount = await sendUntilStuck(rig, dialler);
    assert.equal(dialler.claim(chunk.length), ClaimRefusal.BackPressured);
    listening.resume();
    await rig.until('all arrived', () => acceptor.frameCount === sentCount);
    await rig.until('writable', () => !dialler.isWritableDue);
  });
}

function checkClaimRules(check: Check): void {
  const assertion = { name: 'IdcAssertionError', code: 'BAD_ARGUMENT' };

  check('L6 claim: a second one, and a byteLength below 1, are programmer errors', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    for (const byteLength of [0, -1, NaN]) {
      assert.throws(() => dialler.claim(byteLength), assertion, String(byteLength));
    }
    assert.ok(dialler.claim(8) >= 0);
    assert.throws(() => dialler.claim(8), assertion);
    dialler.abort();
    await rig.quiet();
    assert.equal(acceptor.frameCount, 0);
  });

  check('L6 commit and abort: without a claim they are programmer errors', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    assert.throws(() => {
      dialler.commit();
    }, assertion);
    assert.throws(() => {
      dialler.abort();
    }, assertion);
    await rig.quiet();
    assert.equal(acceptor.frameCount, 0);
  });
}

function checkIndependence(check: Check): void {
  check('L9 links: one whose peer never polls delays no other', async (rig) => {
    const { acceptor, dialling, listener } = await rig.pair();
    const other = await rig.dial(rig.domain(rig.harness.dialler), listener);
    dialling.pause();
    await sendUntilStuck(rig, acceptor);
    const frame = Uint8Array.of(7);
    for (let count = 1; count <= 200; count++) {
      assert.ok(other.acceptor.send(frame) && other.dialler.send(frame));
      await rig.until('both ways', () => {
        return other.dialler.frameCount === count && other.acceptor.frameCount === count;
      });
    }
    assert.ok(acceptor.isWritableDue);
  });

  check('L9 links: one that floods does not starve another', async (rig) => {
    const { dialler, dialling, listener } = await rig.pair();
    const quiet = await rig.dial(dialling, listener);
    dialler.onWritable = () => sendUntilRefused(dialler);
    sendUntilRefused(dialler);
    for (let count = 1; count <= 50; count++) {
      assert.ok(quiet.dialler.send(Uint8Array.of(count)));
      await rig.until('it arrived', () => quiet.acceptor.frameCount === count);
    }
    dialler.onWritable = () => undefined;
  });

  check('L9 links: closing one does not touch another', async (rig) => {
    const { dialler, acceptor, dialling, listener } = await rig.pair();
    const other = await rig.dial(dialling, listener);
    assert.ok(other.dialler.send(Uint8Array.of(1)));
    dialler.close();
    await rig.until('linkDown', () => acceptor.fault === Fault.Closed);
    await rig.until('the frame', () => other.acceptor.frameCount === 1);
    assert.ok(other.dialler.isUp && other.acceptor.isUp);
  });
}

/**
 * Polls two paused domains until `fact` holds: without a turn of the event loop if the medium says
 * that it needs none, so that no timer can help either.
 */
async function pollUntil(rig: Rig, domains: readonly TestDomain[], fact: () => boolean) {
  const pollAll = (): boolean => {
    for (let turn = 0; turn < 1000 && !fact(); turn++) {
      for (const domain of domains) domain.poll(4);
    }
    return fact();
  };
  if (domains[0]?.transport.capabilities.poll === 'full') assert.ok(pollAll());
  else await rig.until('polls and turns are enough', pollAll);
}

function checkPoll(check: Check): void {
  check('L9 poll: delivers at most `limit` frames to each link', async (rig) => {
    const { dialler, acceptor, dialling, listening, listener } = await rig.pair();
    const other = await rig.dial(dialling, listener);
    listening.pause();
    const sentCount = dialler.sendUpTo(20, (index) => Uint8Array.of(index));
    assert.equal(
      other.dialler.sendUpTo(20, (index) => Uint8Array.of(index)),
      sentCount,
    );
    await rig.quiet();
    while (acceptor.frameCount < sentCount || other.acceptor.frameCount < sentCount) {
      const before = [acceptor.frameCount, other.acceptor.frameCount] as const;
      listening.poll(3);
      assert.ok(acceptor.frameCount - before[0] <= 3);
      assert.ok(other.acceptor.frameCount - before[1] <= 3);
      await rig.harness.settle();
    }
  });

  check('L9 poll: alone is enough for `full`, and for `flush` if the loop turns', async (rig) => {
    const { dialler, acceptor, dialling, listening, listener } = await rig.pair();
    const other = await rig.dial(dialling, listener);
    await rig.quiet();
    const domains = [dialling, listening];
    for (const domain of domains) domain.pause();
    const sentCount = dialler.sendUpTo(50, () => chunk);
    await pollUntil(rig, domains, () => acceptor.frameCount === sentCount);
    acceptor.sendUpTo(50, () => chunk);
    acceptor.close();
    await pollUntil(rig, domains, () => acceptor.isClosed && dialler.fault === Fault.Closed);
    for (const end of [other.dialler, other.acceptor]) {
      end.sendUpTo(50, () => chunk);
      end.close();
    }
    await pollUntil(rig, domains, () => other.acceptor.isClosed && other.dialler.isClosed);
  });

  check('L9 poll: an idle transport handles nothing and wakes nobody', async (rig) => {
    const { dialling, listening } = await rig.pair();
    await rig.quiet();
    const wakeCounts = [dialling.wakeCount, listening.wakeCount];
    assert.equal(dialling.poll(16) + listening.poll(16), 0);
    await rig.quiet();
    assert.deepEqual([dialling.wakeCount, listening.wakeCount], wakeCounts);
  });
}
