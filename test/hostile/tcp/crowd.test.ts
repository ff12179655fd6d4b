/** Strangers in numbers: the silent, the slow and the flooding. Others are served meanwhile. */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { FrameType } from '../../../core/frame.js';
import { hostile, openSockets, turnUntil, type HostileRig } from './hostile-rig.js';
import type { RawPeer } from './raw-peer.js';
import { control, goodbye, greeting, record } from './wire.js';

const crowdCount = 1000;
const megabyte = 2 ** 20;

/** Few at a time, for any backlog: a kernel that forgets a connection tells no silent peer. */
async function crowd(rig: HostileRig, count: number): Promise<RawPeer[]> {
  const peers: RawPeer[] = [];
  while (peers.length < count) {
    const length = Math.min(100, count - peers.length);
    peers.push(...(await Promise.all(Array.from({ length }, () => rig.dialRaw()))));
  }
  return peers;
}

/** Resident memory may grow by what sockets cost, not by a buffer of the largest frame for each. */
async function costOf(work: () => Promise<void>): Promise<number> {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  await work();
  globalThis.gc?.();
  return process.memoryUsage().rss - before;
}

hostile(
  `${crowdCount} peers that say nothing are cut off after handshakeMs`,
  async (rig) => {
    const before = openSockets();
    const peers: RawPeer[] = [];
    const cost = await costOf(async () => {
      peers.push(...(await crowd(rig, crowdCount)));
      await rig.bystanderIsServed();
    });
    assert.ok(cost < 128 * megabyte, `${cost} bytes`);
    const rests = await Promise.all(peers.map((peer) => peer.rest()));
    assert.ok(rests.every((rest) => rest.length === 0));
    await turnUntil(() => openSockets() <= before, 'their descriptors came back');
    assert.equal(rig.accepted.entries.length, 1);
  },
  { domain: { limits: { handshakeMs: 1000 } } },
);

hostile(
  `${crowdCount} peers that say one byte at a time are cut off after handshakeMs`,
  async (rig) => {
    const before = openSockets();
    const peers = await crowd(rig, crowdCount);
    const bytes = record(greeting());
    // However often they speak: what counts is the whole greeting.
    for (const byte of bytes.subarray(0, -1)) {
      for (const peer of peers) peer.write(Buffer.of(byte));
      await rig.bystanderIsServed();
    }
    const rests = await Promise.all(peers.map((peer) => peer.rest()));
    assert.ok(rests.every((rest) => rest.length === 0));
    await turnUntil(() => openSockets() <= before, 'their descriptors came back');
    assert.equal(rig.accepted.entries.length, 1);
  },
  { domain: { limits: { handshakeMs: 1000 } } },
);

hostile(
  'more peers than may be in their greeting are turned away at once',
  async (rig) => {
    const peers = await crowd(rig, 1100);
    const countEnded = (): number => peers.filter((peer) => peer.isEnded).length;
    await turnUntil(() => countEnded() >= 1100 - 1024, 'turned away');
    assert.equal(countEnded(), 1100 - 1024);
    await Promise.all(peers.map((peer) => peer.close()));
  },
  // Nobody's greeting may run out while the crowd gathers.
  { domain: { limits: { handshakeMs: 60_000 } } },
);

hostile(
  'a flood of fresh ids has peersMax places, and the oldest absent one gives way',
  async (rig) => {
    const cycle = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        const peer = await rig.dialRaw();
        await peer.open({ domainId: randomFillSync(new Uint8Array(16)) });
        peer.send(goodbye(0, 0));
        await peer.close();
        const watched = rig.newest;
        await watched.events.first(({ type }) => type === 'disappear');
        rig.forgetAccepted();
        assert.ok(rig.listener.endpoints.length <= 9, 'one place may be about to be freed');
      }
    };
    await cycle(100);
    globalThis.gc?.();
    const before = process.memoryUsage();
    await cycle(400);
    globalThis.gc?.();
    const after = process.memoryUsage();
    assert.ok(after.heapUsed - before.heapUsed < 2 * megabyte, 'the heap is flat');
    assert.ok(after.arrayBuffers - before.arrayBuffers < 8 * megabyte, 'buffers are flat');
  },
  { listen: { peersMax: 8 }, domain: { limits: { lingerMs: 0 } } },
);

hostile(
  'places that are all taken by the present are refused as EXHAUSTED',
  async (rig) => {
    const peers: RawPeer[] = [];
    for (let index = 0; index < 3; index++) {
      const peer = await rig.dialRaw();
      await peer.open({ endpointName: `${index}` });
      peers.push(peer);
    }
    const late = await rig.dialRaw();
    late.send(greeting({ endpointName: 'late' }));
    assert.equal(await late.farewell(), 20);
    peers[0]?.send(goodbye(1, 0));
    await peers[0]?.rest();
    await turnUntil(() => rig.listener.endpoints.length === 3, 'the place is free');
    const next = await rig.dialRaw();
    assert.equal(await next.open({ endpointName: 'next' }), 1);
  },
  { listen: { peersMax: 4 } },
);

hostile('a flood of pings is answered, and delays nobody', async (rig) => {
  const peer = await rig.dialRaw();
  await peer.open();
  const count = 20_000;
  const pings = Array.from({ length: count }, (_, index) => control(FrameType.Ping, index));
  peer.send(...pings);
  await rig.bystanderIsServed();
  let answered = 0;
  for (let last = -1; last !== count - 1; answered++) {
    const nonce = (await peer.expect(FrameType.Pong)).word(1);
    assert.ok(nonce > last, 'in order');
    last = nonce;
  }
  assert.ok(answered > 0 && answered <= count);
});

hostile('a flood of pings from one who does not listen costs no more memory', async (rig) => {
  const peer = await rig.dialRaw();
  await peer.open();
  peer.socket.pause();
  const pings = Buffer.concat(
    Array.from({ length: 4096 }, (_, nonce) => record(control(FrameType.Ping, nonce))),
  );
  const before = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < 256; round++) {
    await new Promise<unknown>((resolve) => peer.socket.write(pings, resolve));
  }
  await rig.bystanderIsServed();
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * megabyte);
});
