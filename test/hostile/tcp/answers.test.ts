/** Lies about what we submitted: answers that no legal peer gives, and what they settle. */
import assert from 'node:assert/strict';
import { errorTable, IdcError } from '../../../core/errors.js';
import { FrameType, replyIsError } from '../../../core/frame.js';
import { hostile, type HostileRig } from './hostile-rig.js';
import type { RawPeer } from './raw-peer.js';
import type { Watched } from './watched.js';
import { credit, flushed, frame, goodbye, released, reply } from './wire.js';

interface Submitter {
  readonly peer: RawPeer;
  readonly watched: Watched;
  /** Of the two transactions that the peer has received. */
  readonly tickets: readonly [number, number];
  /** How each of the two ended, in the order of submission. */
  readonly outcomes: Promise<readonly string[]>;
}

async function settled(work: Promise<Uint8Array>): Promise<string> {
  try {
    return Buffer.from(await work).toString();
  } catch (error) {
    assert.ok(error instanceof IdcError);
    return `${error.code} ${error.execution}`;
  }
}

/** A raw listener that has received two messages, sequences 1 and 2, and two requests, 3 and 4. */
async function submit(rig: HostileRig, signal?: AbortSignal): Promise<Submitter> {
  const listener = await rig.listenRaw();
  const watched = rig.dial(listener.port);
  const peer = await listener.accept();
  await peer.admit();
  const { endpoint } = watched;
  assert.equal(endpoint.submitMessage(Buffer.from('one')), 1);
  assert.equal(endpoint.submitMessage(Buffer.from('two')), 2);
  const options = signal === undefined ? {} : { signal };
  const outcomes = Promise.all([
    settled(endpoint.submitTransaction(Buffer.from('three'), options)),
    settled(endpoint.submitTransaction(Buffer.from('four'))),
  ]);
  await peer.expect(FrameType.Message);
  await peer.expect(FrameType.Message);
  const first = (await peer.expect(FrameType.Request)).word(2);
  const second = (await peer.expect(FrameType.Request)).word(2);
  return { peer, watched, tickets: [first, second], outcomes };
}

type Lie = (first: number, second: number) => readonly Uint8Array[];

const longStatus = 's'.repeat(257);
const { UNSUPPORTED, TOO_LARGE, CORRUPT, DISCONNECTED, REMOTE } = errorTable;

const lies: readonly (readonly [fact: string, lie: Lie])[] = [
  ['a second reply', (first) => [reply(first), reply(first)]],
  ['a reply for the next generation', (first) => [reply(first + (1 << 16))]],
  ['a reply for a free slot', () => [reply(3)]],
  ['a reply for a slot beyond the quota', () => [reply(4)]],
  ['a reply longer than agreed', (first) => [reply(first, 0, longStatus)]],
  ['an error reply without an error', (first) => [reply(first, 0, '', replyIsError)]],
  ['an error reply that means a code of its own', (first) => [reply(first, REMOTE.wire, '', 1)]],
  ['an error reply with a status', (first) => [reply(first, UNSUPPORTED.wire, 's', 1)]],
  ['a flushed for what was not flushed', (first) => [flushed(first, 1)]],
  ['a flushed never started for what was not flushed', (first) => [flushed(first, 0)]],
  ['a released for what was not flushed', (first) => [released(first)]],
  ['a credit for more messages than were sent', () => [credit(3, 2)]],
  ['the same credit twice', () => [credit(2, 2), credit(2, 2)]],
  ['the same credit twice, with one message open', () => [credit(1, 1), credit(1, 1)]],
  ['a credit complete through more than it counts', () => [credit(1, 2)]],
  ['a credit complete through what was not sent', () => [credit(2, 3)]],
  ['a credit complete through a negative number', () => [credit(1, -1)]],
  ['a credit whose number has the sign bit', () => [credit(1, -0x7fff_ffff)]],
  ['a credit that goes back', () => [credit(1, 1), credit(2, 0)]],
  ['a credit for all that is not complete through all', () => [credit(2, 1)]],
  ['a reply with the wrong epoch tag', (first) => [frame(FrameType.Reply, 0, 2, first, 0)]],
  ['a reply with an unknown flag', (first) => [frame(FrameType.Reply, 2, 1, first, 0)]],
  ['a credit with a flag', () => [frame(FrameType.Credit, 1, 1, 1, 1)]],
];

for (const [fact, lie] of lies) {
  hostile(`an answer ends the epoch as CORRUPT: ${fact}`, async (rig) => {
    const { peer, watched, tickets, outcomes } = await submit(rig);
    peer.send(...lie(...tickets));
    assert.equal((await watched.disconnected()).reason, 'CORRUPT');
    assert.equal(await peer.farewell(), CORRUPT.wire);
    for (const outcome of await outcomes) {
      assert.match(outcome, /^(s|DISCONNECTED (maybe|never))$/);
    }
    assert.equal(watched.endpoint.statistics().transactionsSettled, 2);
  });
}

hostile('an error reply settles with its code, and nothing else', async (rig) => {
  const { peer, tickets, outcomes } = await submit(rig);
  const [first, second] = tickets;
  peer.send(reply(first, UNSUPPORTED.wire, '', 1), reply(second, TOO_LARGE.wire, '', 1));
  assert.deepEqual(await outcomes, ['UNSUPPORTED never', 'TOO_LARGE done']);
});

const flushLies: readonly (readonly [fact: string, lie: Lie])[] = [
  ['flushed twice', (first) => [flushed(first, 1), flushed(first, 1)]],
  ['answered without a reply', (first) => [flushed(first, 2)]],
  ['an unknown outcome', (first) => [flushed(first, 7)]],
  ['released before it is flushed', (first) => [released(first)]],
  ['a reply after it is flushed', (first) => [flushed(first, 1), reply(first)]],
  ['never started after a reply', (first) => [reply(first), flushed(first, 0)]],
  ['released twice', (first) => [flushed(first, 1), released(first), released(first)]],
];

for (const [fact, lie] of flushLies) {
  hostile(`an answer to a flush ends the epoch as CORRUPT: ${fact}`, async (rig) => {
    const abort = new AbortController();
    const { peer, watched, tickets, outcomes } = await submit(rig, abort.signal);
    abort.abort();
    assert.equal((await peer.expect(FrameType.Flush)).word(1), tickets[0]);
    peer.send(...lie(...tickets));
    assert.equal((await watched.disconnected()).reason, 'CORRUPT');
    assert.equal((await outcomes).length, 2);
  });
}

/** What a goodbye says of the last handled request, and how the requests 3 and 4 end. */
const goodbyes: readonly (readonly [handledThrough: number, outcomes: readonly string[]])[] = [
  [2, ['DISCONNECTED never', 'DISCONNECTED never']],
  [3, ['DISCONNECTED maybe', 'DISCONNECTED never']],
  [4, ['DISCONNECTED maybe', 'DISCONNECTED maybe']],
  [5, ['DISCONNECTED maybe', 'DISCONNECTED maybe']],
  [-1, ['DISCONNECTED maybe', 'DISCONNECTED maybe']],
  [-0x8000_0000, ['DISCONNECTED maybe', 'DISCONNECTED maybe']],
  [0x7fff_ffff, ['DISCONNECTED maybe', 'DISCONNECTED maybe']],
];

for (const [handledThrough, expected] of goodbyes) {
  hostile(`a goodbye that says ${handledThrough} of 4 is believed if it can be`, async (rig) => {
    const { peer, watched, outcomes } = await submit(rig);
    peer.send(goodbye(0, handledThrough, DISCONNECTED.wire));
    assert.deepEqual(await outcomes, expected);
    const event = await watched.disconnected();
    assert.ok(event.handledThrough >= 0 && event.handledThrough <= event.submittedThrough);
    assert.ok(event.neverFrom > event.handledThrough && event.neverFrom <= 5);
  });
}

hostile('a goodbye cannot take back what a reply has shown', async (rig) => {
  const { peer, watched, tickets, outcomes } = await submit(rig);
  peer.send(reply(tickets[1]), goodbye(0, 2, DISCONNECTED.wire));
  assert.deepEqual(await outcomes, ['DISCONNECTED maybe', 's']);
  assert.equal((await watched.disconnected()).handledThrough, 4);
});
