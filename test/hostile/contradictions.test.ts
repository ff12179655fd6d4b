/**
 * Frames that are well-formed and come in a legal phase, but contradict what went before: no legal
 * peer sends them, so each ends its epoch as CORRUPT, and what was submitted as `maybe`.
 */
import assert from 'node:assert/strict';
import type { Endpoint } from '../../core/endpoint.js';
import { errorTable, IdcError } from '../../core/errors.js';
import {
  fragmentFirst,
  fragmentOfReply,
  FrameType,
  makeTicket,
  replyIsError,
} from '../../core/frame.js';
import { hostile, turnUntil, type HostileRig } from './tcp/hostile-rig.js';
import type { RawPeer } from './tcp/raw-peer.js';
import type { Watched } from './tcp/watched.js';
import { control, fragment, frame, message, reply, request } from './tcp/wire.js';

interface Pair {
  readonly peer: RawPeer;
  readonly watched: Watched;
}

async function connected(rig: HostileRig, quota = {}, words = {}): Promise<Pair> {
  const listener = await rig.listenRaw();
  const watched = rig.dial(listener.port, { quota });
  watched.isHolding = true;
  const peer = await listener.accept();
  await peer.admit(1, words);
  return { peer, watched };
}

/** How a transaction settled: `OK`, or code and execution. */
async function outcomeOf(work: Promise<Uint8Array>): Promise<string> {
  try {
    await work;
    return 'OK';
  } catch (error) {
    assert.ok(error instanceof IdcError);
    return `${error.code} ${error.execution}`;
  }
}

function submit(endpoint: Endpoint, byteLength = 1): Promise<string> {
  return outcomeOf(endpoint.submitTransaction(new Uint8Array(byteLength)));
}

const answers: readonly (readonly [fact: string, frame: Uint8Array])[] = [
  ['an error that is none', reply(0, 0, '', replyIsError)],
  ['an error and a status', reply(0, errorTable.UNSUPPORTED.wire, 's', replyIsError)],
  ['an unknown flag', reply(0, 0, 's', 2)],
];

for (const [fact, answer] of answers) {
  hostile(`a reply with ${fact} is CORRUPT`, async (rig) => {
    const { peer, watched } = await connected(rig);
    const outcome = submit(watched.endpoint);
    await peer.expect(FrameType.Request);
    peer.send(answer);
    assert.equal(await outcome, 'DISCONNECTED maybe');
    assert.equal((await watched.disconnected()).reason, 'CORRUPT');
  });
}

/** The first piece of a message or request of 44 bytes, with another head inside. */
function firstPiece(type: number, flags: number, tag: number): Uint8Array {
  const words = type === FrameType.Message ? [1] : [1, 0];
  return fragment(fragmentFirst, 44, 0, frame(type, flags, tag, ...words, 0, 0));
}

const heads: readonly (readonly [fact: string, frame: Uint8Array])[] = [
  ['a message with a flag', frame(FrameType.Message, 1, 1, 1)],
  ['a request with a flag', frame(FrameType.Request, 0x80, 1, 1, 0)],
  ['a fragment with an unknown flag', fragment(fragmentFirst | 8, 44, 0, message(1))],
  ['a ping with a flag', frame(FrameType.Ping, 1, 0, 1)],
  ['a ping with an epoch tag', frame(FrameType.Ping, 0, 1, 1)],
  ['a goodbye with an unknown flag', frame(FrameType.Goodbye, 2, 0, 0, 2)],
  ['a cut message of another epoch', firstPiece(FrameType.Message, 0, 2)],
  ['a cut message with a flag', firstPiece(FrameType.Message, 1, 1)],
  ['a cut request of another epoch', firstPiece(FrameType.Request, 0, 0)],
  ['a cut request with a flag', firstPiece(FrameType.Request, 1, 1)],
];

for (const [fact, bytes] of heads) {
  hostile(`${fact} is CORRUPT`, async (rig) => {
    const { peer, watched } = await connected(rig);
    peer.send(bytes);
    assert.equal((await watched.disconnected()).reason, 'CORRUPT');
  });
}

hostile('a cut reply with an unknown flag is CORRUPT', async (rig) => {
  const { peer, watched } = await connected(rig);
  const outcome = submit(watched.endpoint);
  await peer.expect(FrameType.Request);
  peer.send(fragment(fragmentOfReply | fragmentFirst, 44, 0, reply(0, 0, 's', 4)));
  assert.equal(await outcome, 'DISCONNECTED maybe');
  assert.equal((await watched.disconnected()).reason, 'CORRUPT');
});

const longBytes = 16 * 1024 * 1024;
const longQuota = { parameterBytes: longBytes, statusBytes: longBytes };
const longWords = { quota: [4, 256, 4, longBytes, longBytes] };

hostile('a reply to a request that was not sent whole is CORRUPT', async (rig) => {
  const { peer, watched } = await connected(rig, longQuota, longWords);
  peer.socket.pause();
  const outcome = submit(watched.endpoint, longBytes);
  // The stream's other direction still flows.
  peer.send(reply(0));
  assert.equal(await outcome, 'DISCONNECTED never');
  assert.equal((await watched.disconnected()).reason, 'CORRUPT');
});

hostile('a request in a slot whose reply is on its way is CORRUPT', async (rig) => {
  const { peer, watched } = await connected(rig, longQuota, longWords);
  peer.send(request(1, 0));
  await turnUntil(() => watched.heldTransactions.length === 1, 'the request arrived');
  peer.socket.pause();
  watched.heldTransactions.shift()?.complete(new Uint8Array(longBytes));
  peer.send(request(2, makeTicket(0, 1)));
  assert.equal((await watched.disconnected()).reason, 'CORRUPT');
});

hostile('a request under the ticket of an answered one is CORRUPT', async (rig) => {
  const { peer, watched } = await connected(rig);
  watched.isHolding = false;
  peer.send(request(1, 0));
  await peer.expect(FrameType.Reply);
  peer.send(request(2, 0), control(FrameType.Ping, 9));
  assert.equal((await watched.disconnected()).reason, 'CORRUPT');
});

/** The peer has answered the second of three requests, so its handlers saw two. */
for (const handledThrough of [-1, 0, 1, 2, 4, 1000, 0x7fff_ffff, -0x8000_0000]) {
  hostile(`a goodbye that speaks of ${handledThrough} takes back no answer`, async (rig) => {
    const { peer, watched } = await connected(rig);
    const outcomes = [1, 2, 3].map(() => submit(watched.endpoint));
    for (let count = 0; count < 3; count++) await peer.expect(FrameType.Request);
    peer.send(reply(1), frame(FrameType.Goodbye, 0, 0, handledThrough, 2));
    const third = handledThrough >= 0 && handledThrough <= 2 ? 'never' : 'maybe';
    assert.deepEqual(await Promise.all(outcomes), [
      'DISCONNECTED maybe',
      'OK',
      `DISCONNECTED ${third}`,
    ]);
    const { submittedThrough, handledThrough: known, neverFrom } = await watched.disconnected();
    assert.deepEqual([submittedThrough, known], [3, 2]);
    assert.equal(neverFrom, third === 'never' ? 3 : 4);
  });
}
