/** N6 and N13: what a lane takes, what it refuses, and whom it may delay. */
import assert from 'node:assert/strict';
import { bodiesMax, bodyBytesMax, ClaimRefusal } from '../../core/contract.js';
import { madeBytes } from './lane-laws-of-bodies.js';
import type { LaneCheck } from './lane-rig.js';

const megabyte = 2 ** 20;
const none = new Uint8Array(0);

export function checkLaneFlow(check: LaneCheck): void {
  checkRefusals(check);
  checkFairness(check);
}

function checkRefusals(check: LaneCheck): void {
  check('N6 send: takes bodiesMax, refuses the next, and one writable follows', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    for (let count = 0; count < bodiesMax; count += 1) {
      assert.equal(dialler.send(Uint8Array.of(count), Uint8Array.of(count)), 0);
    }
    assert.equal(dialler.send(Uint8Array.of(1), none), ClaimRefusal.BackPressured);
    assert.equal(dialler.send(Uint8Array.of(1), none), ClaimRefusal.BackPressured);
    await lanes.rig.until('writable', () => dialler.writableCount === 1);
    await lanes.rig.until('all landed', () => acceptor.landedCount === bodiesMax);
    await lanes.rig.quiet();
    assert.equal(dialler.writableCount, 1);
    assert.equal(dialler.send(Uint8Array.of(1), none), 0);
  });

  check('N6 send: in sent and in writable there is room', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    const source = new Uint8Array(10_000);
    let leftCount = 500;
    const refill = (): void => {
      while (leftCount > 0 && dialler.send(Uint8Array.of(leftCount & 0xff), source) === 0) {
        leftCount -= 1;
      }
    };
    dialler.onWritable = () => {
      const before = leftCount;
      refill();
      lanes.rig.monitor.expect(leftCount < before, 'N6 writable means that there is room');
    };
    dialler.onSent = () => {
      if (dialler.sentCount === 1 || leftCount % 7 === 0) refill();
    };
    refill();
    await lanes.rig.until('all landed', () => acceptor.landedCount === 500);
  });

  check('N6 send: a body beyond bodyBytesMax is TooLarge, and nothing happened', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    const part = new Uint8Array(megabyte);
    const source = Array.from({ length: bodyBytesMax / megabyte }, () => part);
    const tooMuch = [...source, Uint8Array.of(1)];
    assert.equal(dialler.send(Uint8Array.of(1), tooMuch), ClaimRefusal.TooLarge);
    assert.equal(dialler.send(Uint8Array.of(2), Uint8Array.of(3)), 0);
    await lanes.rig.until('landed', () => acceptor.landedCount === 1);
    assert.equal(acceptor.targetCount, 1);
  });

  check('N6 send: before linkUp, after linkDown and after close it answers Down', async (lanes) => {
    const { dialler, acceptor, dialling, listener } = await lanes.pair();
    const early = lanes.open(dialling, await lanes.dialAddress(listener));
    assert.equal(early.send(Uint8Array.of(1), none), ClaimRefusal.Down);
    dialler.close();
    assert.equal(dialler.send(Uint8Array.of(1), none), ClaimRefusal.Down);
    await lanes.rig.until('linkDown', () => acceptor.fault !== undefined);
    assert.equal(acceptor.send(Uint8Array.of(1), none), ClaimRefusal.Down);
  });

  check('a header that is empty or too long is a programmer error', async (lanes) => {
    const { dialler } = await lanes.pair();
    for (const header of [none, new Uint8Array(65)]) {
      assert.throws(() => dialler.send(header, none), { code: 'BAD_ARGUMENT' });
    }
  });
}

function checkFairness(check: LaneCheck): void {
  check('N13 a peer that does not poll delays no other lane', async (lanes) => {
    const { dialler, dialling, listening, acceptor } = await lanes.pair();
    const other = await lanes.listen();
    const second = await lanes.dialClaimed(dialling, other);
    listening.pause();
    for (let count = 0; count < 20; count += 1) {
      assert.equal(dialler.send(Uint8Array.of(1), new Uint8Array(megabyte)), 0);
    }
    await lanes.rig.quiet();
    assert.ok(dialler.unsentCount > 0, 'it is stalled');
    const bytes = madeBytes(lanes.rig.random, 3 * megabyte);
    assert.equal(second.dialler.send(Uint8Array.of(1), bytes), 0);
    await lanes.rig.until('landed', () => second.acceptor.landedCount === 1);
    assert.ok(acceptor.landedCount < 20);
    listening.resume();
    await lanes.rig.until('all landed', () => acceptor.landedCount === 20);
  });

  check('N13 a domain that does not poll is not fed without end', async (lanes) => {
    const { dialler, acceptor, listening } = await lanes.pair();
    listening.pause();
    for (let count = 0; count < bodiesMax; count += 1) {
      assert.equal(dialler.send(Uint8Array.of(1), new Uint8Array(megabyte)), 0);
    }
    await lanes.rig.quiet();
    assert.ok(acceptor.landedCount < 4, `${String(acceptor.landedCount)} landed`);
    listening.resume();
    await lanes.rig.until('all landed', () => acceptor.landedCount === bodiesMax);
  });
}
