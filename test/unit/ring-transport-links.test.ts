/** Many links of one ring transport, busy and asleep, in one process. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { ClaimRefusal, Fault, parseAddress } from '../../core/contract.js';
import { ring } from '../../transports/ring/index.js';
import { Control, SleepBit } from '../../transports/ring/ring-layout.js';
import type { End } from '../compliance/end.js';
import { turnEventLoop } from '../compliance/harness.js';
import type { Rig } from '../compliance/rig.js';
import { makeRawMedium, RingRawPeer } from '../compliance/ring-raw-peer.js';
import type { TestDomain } from '../compliance/test-domain.js';
import { lookAtHoldings } from './ring-memory-rig.js';
import { check, expectTraffic, freshName, listen, ringAddress } from './ring-transport-rig.js';

const ringBytes = 4096;
const small = ring({ ringBytes });
const linkCount = 200;
const framesPerPoll = 16;

interface Crowd {
  readonly dialling: TestDomain;
  readonly diallers: readonly End[];
  readonly acceptors: readonly End[];
  readonly listening: TestDomain;
}

/** Links between two domains; the ends of one are at the same index. */
async function crowd(rig: Rig): Promise<Crowd> {
  const [dialling, listening] = [rig.domain(small), rig.domain(small)];
  const listener = await rig.listen(listening);
  const { address } = listener;
  assert.ok(address !== undefined);
  const diallers = Array.from({ length: linkCount }, () => dialling.open(address));
  await rig.until('all are up', () => {
    return (
      diallers.every((end) => end.isUp) && listener.ends.filter((e) => e.isUp).length === linkCount
    );
  });
  for (const [index, end] of diallers.entries()) end.send(Uint8Array.of(index));
  await rig.until('all said who they are', () => listener.ends.every((e) => e.frameCount === 1));
  const acceptors = [...listener.ends].sort((a, b) => numberOf(a) - numberOf(b));
  return { dialling, diallers, acceptors, listening };
}

function numberOf(end: End): number {
  return end.frames[0]?.[0] ?? -1;
}

function totalOf(ends: readonly End[]): number {
  return ends.reduce((sum, end) => sum + end.frameCount, 0);
}

describe('ring transport: links', () => {
  check('200 links asleep: each works when it is poked, with the event loop', async (rig) => {
    const { diallers, acceptors } = await crowd(rig);
    await rig.quiet();
    for (const [index, dialler] of diallers.entries()) {
      const acceptor = acceptors[index];
      assert.ok(acceptor);
      assert.ok(acceptor.send(Uint8Array.of(1, index)));
      await rig.until('it came', () => dialler.frameCount === 1);
      assert.ok(dialler.send(Uint8Array.of(2, index)));
      await rig.until('it came back', () => acceptor.frameCount === 2);
      assert.deepEqual(dialler.frames, [Uint8Array.of(1, index)]);
      assert.deepEqual(acceptor.frames[1], Uint8Array.of(2, index));
    }
    assert.equal(totalOf(diallers), linkCount);
    assert.equal(totalOf(acceptors), 2 * linkCount);
  });

  check('200 links, most asleep: each works when it is poked, by polls alone', async (rig) => {
    const { diallers, acceptors, dialling, listening } = await crowd(rig);
    await rig.quiet();
    const poll = (fact: () => boolean): void => {
      // No await in here: the event loop rings no doorbell.
      for (let polls = 0; !fact(); polls++) {
        assert.ok(polls < 100_000, 'it never came');
        dialling.poll(framesPerPoll);
        listening.poll(framesPerPoll);
      }
    };
    // So many polls in vain that whoever can sleep does.
    let polls = 0;
    poll(() => (polls += 1) > 3000);
    for (const [index, dialler] of diallers.entries()) {
      const acceptor = acceptors[index];
      assert.ok(acceptor);
      assert.ok(acceptor.send(Uint8Array.of(1, index)));
      poll(() => dialler.frameCount === 1);
      assert.ok(dialler.send(Uint8Array.of(2, index)));
      poll(() => acceptor.frameCount === 2);
    }
    assert.equal(totalOf(acceptors), 2 * linkCount);
  });

  check('a link that sleeps rings nobody, and is rung for once', async (rig) => {
    const listener = await listen(rig, freshName(), small);
    assert.ok(listener.address !== undefined);
    const peer = await RingRawPeer.dial(makeRawMedium('mapped'), listener.address, ringBytes);
    await rig.until('up', () => listener.ends[0]?.isUp === true);
    const [end] = listener.ends;
    assert.ok(end);
    const say = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        assert.ok(end.send(Uint8Array.of(index)));
        await turnEventLoop(2);
      }
    };
    // Awake, it is not rung for; each sleep costs one doorbell, and has a number of its own.
    await say(3);
    assert.equal(peer.takeBells(), 0);
    for (const sleep of [1, 2, 3]) {
      Atomics.store(peer.own.control, Control.Sleep, (sleep << SleepBit.numberShift) | 1);
      await say(5);
      assert.equal(peer.takeBells(), 1, `sleep ${sleep}`);
    }
    // Its own sleep is said once it has nothing to do.
    await rig.quiet();
    assert.notEqual(Atomics.load(peer.peer.control, Control.Sleep), 0);
    peer.dispose();
  });

  check('positions of the peer that no legal peer has are Corrupt to who sends', async (rig) => {
    const medium = makeRawMedium('mapped');
    const wrong = [4, -8, 2 ** 20, 2 ** 31 - 8, -(2 ** 31)];
    for (const consumed of wrong) {
      const listener = await listen(rig, freshName(), small);
      assert.ok(listener.address !== undefined);
      const peer = await RingRawPeer.dial(medium, listener.address, ringBytes);
      await rig.until('up', () => listener.ends[0]?.isUp === true);
      const [end] = listener.ends;
      assert.ok(end);
      // The peer consumes nothing, or more than there is, or unreads.
      Atomics.store(peer.own.control, Control.Consumed, consumed);
      end.sendUpTo(100, () => new Uint8Array(1024));
      await rig.until('linkDown', () => end.fault !== undefined);
      assert.equal(end.fault, Fault.Corrupt, `consumed ${consumed}`);
      peer.dispose();
    }
  });

  check('a claim open when its link falls reaches nobody, and harms nobody', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    const offset = dialler.claim(100);
    assert.ok(offset >= 0);
    acceptor.close();
    await rig.until('down', () => dialler.fault !== undefined);
    dialler.commit();
    assert.equal(dialler.claim(100), ClaimRefusal.Down);
  });

  check('a link closed by its sink ends in time, though its peer reads nothing', async (rig) => {
    const { dialler, acceptor, dialling } = await rig.pair();
    acceptor.onFrame = () => {
      acceptor.send(new Uint8Array(1000));
      acceptor.close();
    };
    assert.ok(dialler.send(Uint8Array.of(1)));
    await turnEventLoop(1);
    dialling.pause();
    await rig.until('closed', () => acceptor.isClosed);
    dialling.resume();
    await rig.until('down', () => dialler.fault !== undefined);
  });

  check('1,000 links one after another leave no mapping and no descriptor', async (rig) => {
    const listening = rig.domain(small);
    const dialling = rig.domain(small);
    const listener = await rig.listen(listening);
    const { address } = listener;
    assert.ok(address !== undefined);
    const before = lookAtHoldings();
    for (let count = 0; count < 1000; count++) {
      const end = dialling.open(address);
      const acceptor = await expectTraffic(rig, end, listener, count);
      (count % 2 === 0 ? end : acceptor).close();
      await rig.until('both are down', () => !end.isUp && !acceptor.isUp);
      end.close();
      acceptor.close();
      await rig.until('both are closed', () => end.isClosed && acceptor.isClosed);
    }
    await turnEventLoop();
    const after = lookAtHoldings();
    assert.equal(after.memfdMappings, before.memfdMappings);
    assert.equal(after.descriptors.length, before.descriptors.length);
  });

  check('domains of one process know nothing of each other’s rings', async (rig) => {
    const names = [freshName(), freshName(), freshName()];
    const listeners = await Promise.all(names.map((name) => listen(rig, name)));
    const domains = [rig.domain(small), rig.domain(small)];
    for (const domain of domains) {
      for (const [index, name] of names.entries()) {
        const listener = listeners[index];
        assert.ok(listener);
        const count = listener.ends.length;
        await expectTraffic(rig, domain.open(parseAddress(ringAddress(name))), listener, count);
      }
    }
    assert.deepEqual(
      listeners.map(({ ends }) => ends.length),
      [2, 2, 2],
    );
  });
});
