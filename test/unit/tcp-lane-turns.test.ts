/** How much a lane moves in a turn: most of it alone, least for a long transfer beside messages. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LaneTurns } from '../../transports/tcp/lane-turns.js';
import { turnEventLoop } from '../compliance/harness.js';
import { LaneRig } from '../compliance/lane-rig.js';
import { makeTcpHarness } from '../compliance/tcp-harness.js';

const kibibyte = 1024;
const bodyBytes = 8 * 1024 * kibibyte;
const frame = Uint8Array.of(1, 2, 3, 4);

class Clock {
  ms = 1000;
  now(): number {
    return this.ms;
  }
}

async function withRig(body: (lanes: LaneRig) => Promise<void>): Promise<void> {
  const lanes = await LaneRig.create(() => makeTcpHarness());
  try {
    await body(lanes);
  } finally {
    await lanes.dispose();
  }
}

interface Sending {
  readonly isLong: boolean;
  /** A frame of a link goes before each poll; of a link that is bulk, if so. */
  readonly traffic: 'none' | 'bulk' | 'messages';
}

/** How many polls of the sender it takes until a body is out of its memory. */
async function pollsFor(lanes: LaneRig, { isLong, traffic }: Sending): Promise<number> {
  const { dialler, dialling, listener } = await lanes.pair();
  const linkCount = listener.links.length;
  const link = dialling.open(await lanes.dialAddress(listener));
  link.isBulk = traffic === 'bulk';
  await lanes.rig.until('the link is up', () => link.isUp && listener.links.length > linkCount);
  dialling.pause();
  assert.equal(dialler.send(Uint8Array.of(1), new Uint8Array(bodyBytes), isLong), 0);
  let polls = 0;
  while (dialler.sentCount === 0) {
    if (traffic !== 'none') assert.ok(link.send(frame));
    dialling.poll(16);
    polls += 1;
    await turnEventLoop(8);
  }
  dialling.resume();
  await lanes.rig.until('frames arrived', () => {
    return traffic === 'none' || listener.links.at(-1)?.frameCount === polls;
  });
  link.close();
  return polls;
}

describe('turns of a lane', () => {
  it('a part of a long transfer beside messages gets the least, alone as much as any', () => {
    const clock = new Clock();
    const group = { trafficCount: 5, runtime: { clock } };
    const turns = new LaneTurns(group);
    turns.next();
    const alone = turns.writeBytesMax(false);
    const aloneRead = turns.readBytesMax;
    assert.equal(turns.writeBytesMax(true), alone);
    group.trafficCount += 1;
    turns.next();
    assert.ok(turns.writeBytesMax(true) < turns.writeBytesMax(false));
    assert.ok(turns.writeBytesMax(false) < alone);
    assert.ok(turns.readBytesMax < aloneRead);
  });

  it('it makes way for a while after each message, and not for ever', () => {
    const clock = new Clock();
    const group = { trafficCount: 0, runtime: { clock } };
    const turns = new LaneTurns(group);
    const alone = turns.writeBytesMax(true);
    group.trafficCount += 1;
    turns.next();
    clock.ms += 9;
    turns.next();
    assert.ok(turns.writeBytesMax(true) < alone);
    group.trafficCount += 1;
    turns.next();
    clock.ms += 9;
    turns.next();
    assert.ok(turns.writeBytesMax(true) < alone);
    clock.ms += 1;
    turns.next();
    assert.equal(turns.writeBytesMax(true), alone);
  });

  it('alone a long body leaves in few large writes', async () => {
    await withRig(async (lanes) => {
      const polls = await pollsFor(lanes, { isLong: true, traffic: 'none' });
      assert.ok(polls >= 8 && polls < 64, `${String(polls)} polls`);
    });
  });

  it('frames that go with bodies make no lane go slower', async () => {
    await withRig(async (lanes) => {
      const polls = await pollsFor(lanes, { isLong: true, traffic: 'bulk' });
      assert.ok(polls >= 8 && polls < 64, `${String(polls)} polls`);
    });
  });

  it('beside messages a long body leaves in small writes', async () => {
    await withRig(async (lanes) => {
      const polls = await pollsFor(lanes, { isLong: true, traffic: 'messages' });
      // Of 64 KiB each, but for the first: the lane had not seen a frame yet.
      assert.ok(polls >= 100, `${String(polls)} polls`);
    });
  });

  it('beside messages one that is not part of a long transfer does not', async () => {
    await withRig(async (lanes) => {
      const polls = await pollsFor(lanes, { isLong: false, traffic: 'messages' });
      assert.ok(polls >= 16 && polls < 64, `${String(polls)} polls`);
    });
  });
});
