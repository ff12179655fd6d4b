/** L3, L4 and L7: what is committed arrives, and nothing else does. */
import assert from 'node:assert/strict';
import { Fault } from '../../core/contract.js';
import { copyBytes } from './end.js';
import { between } from './random.js';
import type { Check, Meeting, Rig } from './rig.js';
import { Receiver, Sender } from './traffic.js';

export function checkDelivery(check: Check): void {
  checkOrder(check);
  checkSuffix(check);
  checkAbort(check);
}

/** Traffic from one end to the other of a pair. */
function stream(rig: Rig, pair: Meeting, way: 'out' | 'back', count: number) {
  const [source, target] =
    way === 'out' ? [pair.dialler, pair.acceptor] : [pair.acceptor, pair.dialler];
  const domain = way === 'out' ? pair.dialling : pair.listening;
  const seed = rig.seed + (way === 'out' ? 1 : 2);
  const { frameBytesMax } = domain.transport.capabilities;
  return {
    sender: new Sender(source, seed, frameBytesMax, count),
    receiver: new Receiver(target, seed, frameBytesMax, rig.monitor),
  };
}

function checkOrder(check: Check): void {
  check('L3 frames: 50,000 of random lengths each way at once, whole and in order', async (rig) => {
    const pair = await rig.pair();
    const count = 50_000;
    const streams = [stream(rig, pair, 'out', count), stream(rig, pair, 'back', count)];
    for (const { sender } of streams) sender.send();
    for (const { receiver } of streams) {
      await rig.until('all arrived', () => receiver.receivedCount === count);
    }
    await rig.quiet();
  });

  check('L3 frames: every length from 1 to 600, and around each power of two', async (rig) => {
    const { dialler, acceptor, dialling } = await rig.pair();
    const { frameBytesMax } = dialling.transport.capabilities;
    const lengths = Array.from({ length: 600 }, (_, index) => index + 1);
    for (let power = 1024; power <= frameBytesMax; power *= 2) {
      lengths.push(...[power - 1, power, power + 1].filter((length) => length <= frameBytesMax));
    }
    for (const [index, length] of lengths.entries()) {
      const frame = new Uint8Array(length).fill(index);
      await rig.until('room', () => !dialler.isWritableDue && dialler.send(frame));
    }
    await rig.until('all arrived', () => acceptor.frameCount === lengths.length);
    for (const [index, length] of lengths.entries()) {
      assert.deepEqual(acceptor.frames[index], new Uint8Array(length).fill(index));
    }
  });

  check('L4 frame: its bytes stay while the sink replies until it is refused', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    const frame = Uint8Array.from({ length: 500 }, (_, index) => index);
    acceptor.onFrame = (bytes, offset, byteLength) => {
      while (acceptor.send(new Uint8Array(900).fill(0xaa)));
      acceptor.frames.push(copyBytes(bytes, offset, byteLength));
    };
    const sentCount = dialler.sendUpTo(3, () => frame);
    await rig.until('all arrived', () => acceptor.frameCount === sentCount);
    for (const received of acceptor.frames) assert.deepEqual(received, frame);
  });
}

function checkSuffix(check: Check): void {
  for (const way of ['out', 'back'] as const) {
    check(`L3 sever: what a severed link loses is a suffix (${way})`, async (rig) => {
      const pair = await rig.pair();
      const { sender, receiver } = stream(rig, pair, way, 20_000);
      sender.send();
      const enough = between(rig.random, 1, 5_000);
      await rig.until('some arrived', () => receiver.receivedCount >= enough);
      rig.harness.sever();
      await rig.until('both are down', () => !pair.dialler.isUp && !pair.acceptor.isUp);
      await rig.quiet();
      assert.ok(receiver.receivedCount <= sender.sentCount);
      assert.notEqual(pair.dialler.fault, Fault.Corrupt);
      assert.notEqual(pair.acceptor.fault, Fault.Corrupt);
    });
  }

  check('L3 sever: with an open claim, its commit reaches nobody', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    assert.ok(dialler.claim(64) >= 0);
    rig.harness.sever();
    await rig.until('both are down', () => !dialler.isUp && !acceptor.isUp);
    dialler.commit();
    await rig.quiet();
    assert.equal(acceptor.frameCount, 0);
  });
}

function checkAbort(check: Check): void {
  check('L7 abort: the peer sees the committed frames only', async (rig) => {
    const { dialler, acceptor, dialling } = await rig.pair();
    const { frameBytesMax } = dialling.transport.capabilities;
    for (let count = 0; count < 500; count++) {
      const vainBytes = count % 10 === 0 ? frameBytesMax : between(rig.random, 1, 300);
      await rig.until('room', () => {
        if (dialler.isWritableDue) return false;
        const offset = dialler.claim(vainBytes);
        if (offset < 0) return false;
        dialler.claimBytes.fill(0xee, offset, offset + vainBytes);
        dialler.abort();
        return true;
      });
      await rig.until('room', () => {
        return !dialler.isWritableDue && dialler.send(Uint8Array.of(count, count >> 8));
      });
    }
    await rig.until('all arrived', () => acceptor.frameCount === 500);
    for (const [index, frame] of acceptor.frames.entries()) {
      assert.deepEqual(frame, Uint8Array.of(index, index >> 8));
    }
  });

  check('L7 abort: an aborted claim that was the last one leaves no trace', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    assert.ok(dialler.claim(100) >= 0);
    dialler.abort();
    await rig.quiet();
    assert.equal(acceptor.frameCount, 0);
    dialler.close();
    await rig.until('linkDown', () => acceptor.fault === Fault.Closed);
    assert.equal(acceptor.frameCount, 0);
  });
}
