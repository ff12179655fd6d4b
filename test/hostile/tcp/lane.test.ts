/** Peers of lanes that lie, stop, die or talk nonsense: the lane ends, and nothing else happens. */
import assert from 'node:assert/strict';
import { claimMs, Fault, unclaimedLanesMax } from '../../../core/contract.js';
import type { LaneListener } from '../../compliance/lane-rig.js';
import { between, createRandom, randomBytes } from '../../compliance/random.js';
import { createManualRuntime } from '../../unit/manual-runtime.js';
import { head, hostileToLanes, preamble, record, type RawLanes } from './raw-lane.js';

const poison = 0xdd;
const header = Uint8Array.of(1, 2, 3);
const body = new Uint8Array(100_000).fill(7);
const frame = Uint8Array.of(3, 0, 0, 0, 7, 8, 9, 0);
const http = new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n');

const noLanes: readonly (readonly [what: string, bytes: Uint8Array, fault: Fault])[] = [
  ['garbage', http, Fault.Corrupt],
  ['another version', Uint8Array.of(0x49, 0x44, 0x4c, 0x82), Fault.Corrupt],
  ['the preamble after a frame', Buffer.concat([frame, preamble]), Fault.Corrupt],
  ['more before the answer', Buffer.concat([preamble, head(header, 0)]), Fault.Corrupt],
];

for (const [what, bytes, fault] of noLanes) {
  hostileToLanes(`who begins with ${what} gets no lane`, async (raw) => {
    const listener = await raw.lanes.listen();
    const peer = await raw.connect(listener);
    peer.write(bytes);
    await raw.lanes.rig.until('linkDown', () => listener.links[0]?.fault !== undefined);
    assert.equal(listener.links[0]?.fault, fault);
    assert.equal(listener.lanes.length, 0);
  });
}

hostileToLanes('half a preamble, then the end of the stream, is Reset', async (raw) => {
  const listener = await raw.lanes.listen();
  const peer = await raw.connect(listener);
  peer.end(preamble.subarray(0, 2));
  await raw.lanes.rig.until('linkDown', () => listener.links[0]?.fault !== undefined);
  assert.equal(listener.links[0]?.fault, Fault.Reset);
});

hostileToLanes('one byte at a time is as good as all at once', async (raw) => {
  const listener = await raw.lanes.listen();
  const peer = await raw.connect(listener);
  const say = async (bytes: Uint8Array): Promise<void> => {
    for (const byte of bytes) {
      await new Promise((written) => peer.write(Uint8Array.of(byte), written));
      await raw.lanes.rig.harness.settle();
    }
  };
  await say(preamble);
  await raw.lanes.rig.until('up', () => listener.lanes[0]?.isUp === true);
  const bytes = randomBytes(raw.lanes.rig.random, 40);
  await say(Buffer.concat([record(header, bytes), record(header, bytes.subarray(0, 1))]));
  await raw.lanes.rig.until('landed', () => listener.lanes[0]?.landedCount === 2);
  assert.deepEqual(listener.lanes[0]?.landings, [
    { header, bytes },
    { header, bytes: bytes.slice(0, 1) },
  ]);
});

const nonsense: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['no header', head(new Uint8Array(0), 5)],
  ['a header of 65 bytes', head(new Uint8Array(65), 5)],
  ['a header of 255 bytes', head(header, 5, 255)],
  ['a body of more than 1 GiB', head(header, 2 ** 30 + 1)],
  ['a body of 4 GiB', head(header, 2 ** 32 - 1)],
  ['a prefix that does not end in zeros', Uint8Array.of(1, 0, 0, 0, 3, 0, 0, 1, 1, 2, 3)],
  ['a frame', frame],
  ['a second preamble', Buffer.concat([preamble, preamble])],
];

for (const [what, bytes] of nonsense) {
  hostileToLanes(`${what}: Corrupt, and nobody is asked for a target`, async (raw) => {
    const { peer, end } = await raw.openClaimed(await raw.lanes.listen());
    peer.write(Buffer.concat([record(header, body), bytes]));
    await raw.lanes.rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.fault, Fault.Corrupt);
    assert.equal(end.landedCount, 1);
    assert.equal(end.targetCount, 1);
  });
}

const ends: readonly (readonly [what: string, bytes: Uint8Array, fault: Fault])[] = [
  ['half a prefix', head(header, 5).subarray(0, 5), Fault.Reset],
  ['half a header', head(header, 5).subarray(0, 10), Fault.Reset],
  ['a head without its body', head(header, 5), Fault.Reset],
  ['a little of a body of 1 GiB', Buffer.concat([head(header, 2 ** 30), body]), Fault.Reset],
  ['a whole record', record(header, body), Fault.Closed],
  ['nothing', new Uint8Array(0), Fault.Closed],
];

for (const [what, bytes, fault] of ends) {
  hostileToLanes(`a stream that ends after ${what} is ${fault}`, async (raw) => {
    const { peer, end } = await raw.openClaimed(await raw.lanes.listen());
    const memory = new Uint8Array(body.byteLength);
    // Whoever refuses a body of 1 GiB does not hold memory for it.
    end.onTarget = (_, byteLength) => {
      return byteLength > memory.byteLength ? undefined : memory.subarray(0, byteLength);
    };
    peer.end(bytes);
    await raw.lanes.rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.fault, fault);
    assert.equal(end.landedCount, fault === Fault.Closed && bytes.byteLength > 0 ? 1 : 0);
  });
}

hostileToLanes('a reset in the midst of a body: the target is ours again', async (raw) => {
  const { peer, end } = await raw.openClaimed(await raw.lanes.listen());
  const target = new Uint8Array(10 * body.byteLength);
  end.onTarget = () => target;
  end.onDown = () => {
    target.fill(poison);
  };
  peer.write(Buffer.concat([head(header, target.byteLength), body]));
  await raw.lanes.rig.until('it arrives', () => target[0] === 7);
  peer.write(body);
  peer.resetAndDestroy();
  await raw.lanes.rig.until('linkDown', () => end.fault !== undefined);
  await raw.lanes.rig.quiet();
  assert.equal(end.fault, Fault.Reset);
  assert.equal(end.landedCount, 0);
  assert.ok(target.every((byte) => byte === poison));
});

/** Reads of any internal size end exactly here for some of them. */
const exponents = [12, 13, 14, 15, 16, 17, 18, 19];
const stops = exponents.flatMap((first) => [
  2 ** first,
  ...exponents.filter((second) => second < first).map((second) => 2 ** first + 2 ** second),
]);

hostileToLanes(
  'a body that stops anywhere is not written on after it was given up',
  async (raw) => {
    const { peer, end } = await raw.openClaimed(await raw.lanes.listen());
    const { rig } = raw.lanes;
    const bodyBytes = 2 ** 20;
    for (const stop of stops) {
      const stream = record(header, new Uint8Array(bodyBytes).fill(7));
      const target = new Uint8Array(bodyBytes);
      let isGone = false;
      end.onTarget = () => target;
      end.onProceed = () => !isGone;
      peer.write(stream.subarray(0, stop));
      const lastByte = stop - (stream.byteLength - bodyBytes) - 1;
      await rig.until('all of it is there', () => target[lastByte] === 7);
      await rig.quiet();
      isGone = true;
      target.fill(poison);
      peer.write(stream.subarray(stop));
      const landedBefore = end.landedCount;
      peer.write(record(header, new Uint8Array(0)));
      end.onTarget = () => new Uint8Array(0);
      await rig.until('the next one', () => end.landedCount > landedBefore);
      const index = target.findIndex((byte) => byte !== poison);
      assert.equal(index, -1, `stopped at ${stop}, written at ${index}`);
    }
    assert.equal(end.landedCount, stops.length);
  },
);

hostileToLanes('a dialler that is answered with nonsense never comes up', async (raw) => {
  for (const [answer, fault] of [
    [http, Fault.Corrupt],
    [frame, Fault.Corrupt],
    [Uint8Array.of(0x49, 0x44, 0x4c, 0x82), Fault.Corrupt],
    [preamble.subarray(0, 3), Fault.Refused],
    [new Uint8Array(0), Fault.Refused],
  ] as const) {
    const address = await raw.listenRaw((socket) => void socket.end(answer));
    const end = raw.lanes.open(raw.lanes.diallingDomain(), address);
    await raw.lanes.rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.fault, fault);
    assert.equal(end.identity, undefined);
  }
});

hostileToLanes('a dialler that is reset before it is answered is Refused', async (raw) => {
  const address = await raw.listenRaw((socket) => void socket.resetAndDestroy());
  const end = raw.lanes.open(raw.lanes.diallingDomain(), address);
  await raw.lanes.rig.until('linkDown', () => end.fault !== undefined);
  assert.equal(end.fault, Fault.Refused);
});

hostileToLanes('an answer may come with the first bodies, a byte at a time', async (raw) => {
  const bytes = Buffer.concat([preamble, record(header, body), record(header, body)]);
  const address = await raw.listenRaw((socket) => {
    socket.setNoDelay();
    for (const byte of bytes.subarray(0, 20)) socket.write(Uint8Array.of(byte));
    socket.write(bytes.subarray(20));
  });
  const end = raw.lanes.open(raw.lanes.diallingDomain(), address);
  await raw.lanes.rig.until('landed', () => end.landedCount === 2);
  assert.ok(end.isUp);
});

const dialTimers = createManualRuntime();
hostileToLanes(
  'a dialler that is not answered is TimedOut after connectMs',
  async (raw) => {
    const address = await raw.listenRaw(() => undefined);
    const end = raw.lanes.open(raw.lanes.diallingDomain(), address);
    await raw.lanes.rig.quiet();
    assert.deepEqual([...dialTimers.timers.values()], [5000]);
    for (const task of [...dialTimers.timers.keys()]) task();
    await raw.lanes.rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.fault, Fault.TimedOut);
    assert.equal(dialTimers.timers.size, 0);
  },
  dialTimers.runtime,
);

const claimTimers = createManualRuntime();
hostileToLanes(
  'a crowd that claims nothing is bounded, and goes when its time is over',
  async (raw) => {
    const { timers } = claimTimers;
    const listener = await raw.lanes.listen();
    const claimed = await raw.openClaimed(listener);
    assert.equal(timers.size, 0, 'a claimed lane has no time limit');
    await crowd(raw, listener, unclaimedLanesMax + 20);
    const isDone = (): boolean => listener.lanes.length === unclaimedLanesMax + 1;
    await raw.lanes.rig.until('as many as may be', isDone);
    await raw.lanes.rig.quiet();
    assert.ok(isDone(), 'and no more');
    assert.deepEqual(new Set(timers.values()), new Set([claimMs]));
    assert.equal(timers.size, unclaimedLanesMax);
    for (const task of [...timers.keys()]) task();
    const crowded = listener.lanes.slice(1);
    await raw.lanes.rig.until('gone', () => crowded.every((end) => end.fault !== undefined));
    assert.ok(crowded.every((end) => end.fault === Fault.TimedOut));
    claimed.peer.write(record(header, body));
    await raw.lanes.rig.until('landed', () => claimed.end.landedCount === 1);
    await raw.openClaimed(listener);
  },
  claimTimers.runtime,
);

/** They say half a head, too: what counts is whether the first target was answered. */
async function crowd(raw: RawLanes, listener: LaneListener, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const peer = await raw.connect(listener);
    peer.write(preamble);
    peer.once('data', () => peer.write(head(header, 5).subarray(0, index % 11)));
  }
}

hostileToLanes('mutated streams end in order, and nothing throws', async (raw) => {
  const listener = await raw.lanes.listen();
  const random = createRandom(raw.lanes.rig.random());
  for (let round = 0; round < 150; round += 1) {
    const { peer, end } = await raw.open(listener);
    end.onTarget = (_, byteLength) => {
      return byteLength > 2 ** 20 || random() % 8 === 0 ? undefined : new Uint8Array(byteLength);
    };
    end.onProceed = () => random() % 8 !== 0;
    const records = Array.from({ length: between(random, 1, 8) }, () => {
      const bytes = new Uint8Array(random() % 3 === 0 ? random() % 200_000 : random() % 50);
      return record(randomBytes(random, between(random, 1, 64)), bytes);
    });
    const stream = Buffer.concat(records);
    for (let count = random() % 4; count > 0; count -= 1) {
      stream[random() % Math.min(stream.byteLength, 300)] = random() & 0xff;
    }
    const cut = random() % stream.byteLength;
    peer.write(stream.subarray(0, cut));
    if (random() % 3 === 0) await raw.lanes.rig.harness.settle();
    peer.end(stream.subarray(cut));
    await raw.lanes.rig.until('linkDown', () => end.fault !== undefined);
    end.close();
    await raw.lanes.rig.until('closed', () => end.isClosed);
  }
});
