/**
 * Random and mutated frames in every phase, against live endpoints at both ends, for a while:
 * each link stays or ends in order, nothing throws, nothing hangs, nobody else notices.
 * `IDC_SEED=<seed>` replays.
 */
import { FrameType } from '../../../core/frame.js';
import {
  between,
  createRandom,
  randomBytes,
  seedOfThisRun,
  type Random,
} from '../../compliance/random.js';
import { hostile, type HostileRig } from './hostile-rig.js';
import type { RawPeer } from './raw-peer.js';
import {
  control,
  credit,
  flush,
  flushed,
  fragment,
  frame,
  goodbye,
  greeting,
  message,
  record,
  released,
  reply,
  request,
} from './wire.js';

const budgetMs = 1500;
const framesMax = 24;

/** Small numbers meet what exists; the others lie at the edges. */
function word(random: Random): number {
  const edges = [0, -1, 0x7fff_ffff, -0x8000_0000, 0xffff, 1 << 16];
  return random() % 4 === 0 ? (edges[random() % edges.length] ?? 0) : random() % 6;
}

/** What a peer would say if it meant well; sequences go on from `sequence`. */
function plausible(random: Random, sequence: number): Uint8Array {
  const body = randomBytes(random, between(random, 0, 32));
  const makers: readonly (() => Uint8Array)[] = [
    () => message(sequence, body),
    () => message(sequence, body),
    () => request(sequence, random() % 4, body),
    () => request(sequence, random() % 4, body),
    () => fragment(2, 8 + body.length + 1, 0, message(sequence, body)),
    () => fragment(random() % 8, word(random), word(random), body),
    () => reply(random() % 4, random() % 2, body, random() % 2),
    () => credit(word(random), word(random)),
    () => flush(random() % 4),
    () => flushed(random() % 4, random() % 3),
    () => released(random() % 4),
    () => control(FrameType.Ping, word(random)),
    () => control(1 + (random() % 9), word(random)),
    () => goodbye(random() % 2, word(random), random() % 24),
    () => greeting({ type: 1 + (random() % 2) }),
    () => frame(random() & 0xff, random() & 0xff, random() % 3, word(random), word(random)),
  ];
  return makers[random() % makers.length]?.() ?? body;
}

function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = random() % copy.length;
  switch (random() % 12) {
    case 0:
      copy[index] = random() & 0xff;
      return copy;
    case 1:
      return copy.subarray(0, Math.max(1, index));
    case 2:
      return randomBytes(random, between(random, 1, 64));
    default:
      return copy;
  }
}

function babble(random: Random, peer: RawPeer): void {
  const chunks: Uint8Array[] = [];
  const count = between(random, 1, framesMax);
  for (let sequence = 1; sequence <= count; sequence++) {
    chunks.push(record(mutated(random, plausible(random, sequence))));
  }
  const bytes = Buffer.concat(chunks);
  const cut = random() % bytes.length;
  peer.write(bytes.subarray(0, cut));
  if (random() % 8 !== 0) peer.write(bytes.subarray(cut));
}

/** Goes through a random part of the handshake, says anything, and leaves. */
async function dialled(rig: HostileRig, random: Random): Promise<void> {
  const peer = await rig.dialRaw();
  const phase = random() % 5;
  if (phase > 0) peer.send(greeting());
  if (phase > 1) peer.send(control(FrameType.Ready, 0));
  if (phase > 2) peer.send(control(FrameType.Confirm, 1));
  babble(random, peer);
  peer.socket.end();
  await peer.rest();
}

async function listened(rig: HostileRig, random: Random): Promise<void> {
  const listener = await rig.listenRaw();
  const { endpoint } = rig.dial(listener.port);
  const peer = await listener.accept();
  await peer.expect(FrameType.Hello);
  const phase = random() % 4;
  if (phase > 0) peer.send(greeting({ type: FrameType.Welcome }));
  if (phase > 1) {
    await peer.expect(FrameType.Ready);
    peer.send(control(FrameType.Accept, 1));
    await peer.expect(FrameType.Confirm);
    endpoint.submitMessage(randomBytes(random, 8));
    endpoint.transact(randomBytes(random, 8), () => undefined, undefined, 50);
    endpoint.transact(randomBytes(random, 8), () => undefined, undefined, 50);
  }
  babble(random, peer);
  peer.socket.end();
  await peer.rest();
  await endpoint.destroy();
}

for (const [role, play] of [
  ['accepted', dialled],
  ['dialling', listened],
] as const) {
  const seed = seedOfThisRun();
  hostile(
    `${role} endpoints stand random frames in every phase (seed ${seed})`,
    async (rig) => {
      const random = createRandom(seed);
      const endMs = performance.now() + budgetMs;
      for (let round = 0; performance.now() < endMs; round++) {
        rig.isHolding = round % 2 === 0;
        await Promise.all(Array.from({ length: 8 }, () => play(rig, random)));
        await rig.bystanderIsServed();
      }
    },
    { domain: { limits: { lingerMs: 0 } }, listen: { peersMax: 65_536, forgetMs: 0 } },
  );
}
