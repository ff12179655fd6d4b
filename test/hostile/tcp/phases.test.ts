/**
 * Every frame type in every phase of a link, at either end: one table says which are legal, and
 * each of the others ends the link as CORRUPT.
 */
import assert from 'node:assert/strict';
import { errorTable } from '../../../core/errors.js';
import { FrameType } from '../../../core/frame.js';
import { hostile, type HostileRig } from './hostile-rig.js';
import type { RawPeer } from './raw-peer.js';
import {
  control,
  credit,
  flush,
  flushed,
  fragment,
  goodbye,
  greeting,
  message,
  released,
  reply,
  request,
} from './wire.js';

const corrupt = errorTable.CORRUPT.wire;

/** One of each type, as a legal peer would send it where it may. */
const samples: Readonly<Record<keyof typeof FrameType, Uint8Array>> = {
  Hello: greeting(),
  Welcome: greeting({ type: FrameType.Welcome }),
  Ready: control(FrameType.Ready, 0),
  Accept: control(FrameType.Accept, 1),
  Confirm: control(FrameType.Confirm, 1),
  Refuse: control(FrameType.Refuse, errorTable.REFUSED.wire),
  Goodbye: goodbye(0, 0, errorTable.DESTROYED.wire),
  Ping: control(FrameType.Ping, 7),
  Pong: control(FrameType.Pong, 7),
  Summon: control(FrameType.Summon, 7),
  Message: message(1),
  Request: request(1, 0),
  Reply: reply(0),
  Credit: credit(1, 1),
  Flush: flush(0),
  Flushed: flushed(0, 1),
  Released: released(0),
  Fragment: fragment(2, 40, 0, message(1, 'twelve bytes')),
};

type TypeName = keyof typeof FrameType;

// The keys of an object that is known to the last one.
const typeNames = Object.keys(FrameType) as TypeName[];

interface Phase {
  readonly name: string;
  /** What the other end may say now; a ping always. */
  readonly legal: readonly TypeName[];
  /** Plays the handshake up to there. */
  reach(rig: HostileRig): Promise<RawPeer>;
}

async function dialled(rig: HostileRig): Promise<RawPeer> {
  const listener = await rig.listenRaw();
  rig.dial(listener.port);
  const peer = await listener.accept();
  await peer.expect(FrameType.Hello);
  return peer;
}

const phases: readonly Phase[] = [
  {
    name: 'accepting, before the greeting',
    legal: ['Hello', 'Goodbye'],
    reach: (rig) => rig.dialRaw(),
  },
  {
    name: 'accepting, greeted',
    legal: ['Ready', 'Refuse', 'Goodbye'],
    reach: async (rig) => {
      const peer = await rig.dialRaw();
      await peer.greet();
      return peer;
    },
  },
  {
    name: 'accepting, ready',
    legal: ['Confirm', 'Refuse', 'Goodbye'],
    reach: async (rig) => {
      const peer = await rig.dialRaw();
      await peer.greet();
      peer.send(samples.Ready);
      await peer.expect(FrameType.Accept);
      return peer;
    },
  },
  {
    name: 'accepting, open',
    legal: ['Message', 'Request', 'Fragment', 'Goodbye'],
    reach: async (rig) => {
      const peer = await rig.dialRaw();
      await peer.open();
      return peer;
    },
  },
  {
    name: 'dialling, before the greeting',
    legal: ['Welcome', 'Refuse', 'Goodbye'],
    reach: dialled,
  },
  {
    name: 'dialling, greeted',
    legal: ['Accept', 'Goodbye'],
    reach: async (rig) => {
      const peer = await dialled(rig);
      peer.send(samples.Welcome);
      await peer.expect(FrameType.Ready);
      return peer;
    },
  },
  {
    name: 'dialling, open',
    legal: ['Message', 'Request', 'Fragment', 'Goodbye', 'Summon'],
    reach: async (rig) => {
      const peer = await dialled(rig);
      peer.send(samples.Welcome, samples.Accept);
      await peer.expect(FrameType.Ready);
      await peer.expect(FrameType.Confirm);
      return peer;
    },
  },
];

/** The ping behind a frame is answered if the frame was legal and did not end the link. */
async function isCorrupt(peer: RawPeer, bytes: Uint8Array): Promise<boolean> {
  peer.send(bytes, control(FrameType.Ping, 99));
  for (let frame = await peer.next(); frame; frame = await peer.next()) {
    if (frame.type === FrameType.Goodbye) return frame.word(2) === corrupt;
    if (frame.type === FrameType.Pong && frame.word(1) === 99) return false;
  }
  return false;
}

for (const phase of phases) {
  for (const name of typeNames) {
    const isLegal = name === 'Ping' || phase.legal.includes(name);
    hostile(`${phase.name}: ${name} is ${isLegal ? 'legal' : 'CORRUPT'}`, async (rig) => {
      const peer = await phase.reach(rig);
      assert.equal(await isCorrupt(peer, samples[name]), !isLegal);
    });
  }
}

hostile('accepting: a second ready is CORRUPT', async (rig) => {
  const peer = await rig.dialRaw();
  await peer.greet();
  peer.send(samples.Ready);
  await peer.expect(FrameType.Accept);
  assert.equal(await isCorrupt(peer, samples.Ready), true);
});

hostile('accepting: the confirmation of another epoch is CORRUPT', async (rig) => {
  for (const epoch of [0, 2, -1, 0x7fff_ffff]) {
    const peer = await rig.dialRaw();
    await peer.greet();
    peer.send(samples.Ready);
    await peer.expect(FrameType.Accept);
    assert.equal(await isCorrupt(peer, control(FrameType.Confirm, epoch)), true, `${epoch}`);
  }
});

hostile('accepting: a last finished epoch after which none can come is CORRUPT', async (rig) => {
  for (const epoch of [-1, -0x8000_0000, 0x7fff_ffff]) {
    const peer = await rig.dialRaw();
    await peer.greet();
    assert.equal(await isCorrupt(peer, control(FrameType.Ready, epoch)), true, `${epoch}`);
  }
});

hostile('accepting: the greatest epoch opens, and is its endpoint’s last', async (rig) => {
  const first = await rig.dialRaw();
  const token = (await first.greet()).bytes.subarray(40, 56);
  first.send(control(FrameType.Ready, 0x7fff_fffe));
  assert.equal((await first.expect(FrameType.Accept)).word(1), 0x7fff_ffff);
  first.send(control(FrameType.Confirm, 0x7fff_ffff));
  const watched = rig.newest;
  await watched.events.first(({ type }) => type === 'connect');
  await first.close();
  await watched.disconnected();
  const second = await rig.dialRaw();
  await second.greet({ token });
  assert.equal(await isCorrupt(second, control(FrameType.Ready, 0)), true);
});

hostile('dialling: an epoch of 0, a negative and a finished one are CORRUPT', async (rig) => {
  for (const epoch of [0, -1, -0x8000_0000]) {
    const peer = await dialled(rig);
    peer.send(samples.Welcome);
    await peer.expect(FrameType.Ready);
    assert.equal(await isCorrupt(peer, control(FrameType.Accept, epoch)), true, `${epoch}`);
  }
  const listener = await rig.listenRaw();
  const watched = rig.dial(listener.port);
  await (await listener.accept()).admit(5);
  await watched.events.first(({ type }) => type === 'connect');
});

hostile('dialling: an epoch that is over cannot be accepted again', async (rig) => {
  const listener = await rig.listenRaw();
  const watched = rig.dial(listener.port);
  const first = await listener.accept();
  await first.admit(5);
  await first.close();
  await watched.disconnected();
  const second = await listener.accept();
  await second.expect(FrameType.Hello);
  second.send(samples.Welcome);
  assert.equal((await second.expect(FrameType.Ready)).word(1), 5);
  assert.equal(await isCorrupt(second, control(FrameType.Accept, 5)), true);
  assert.equal(watched.endpoint.epoch, 5);
});
