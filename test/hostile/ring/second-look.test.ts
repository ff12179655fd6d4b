/**
 * Frames that change while they are read, as a peer's shared memory may: what was checked is what
 * is used, and what a client is shown is out of the peer's reach.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ByteArea } from '../../../core/byte-area.js';
import {
  fragmentFirst,
  fragmentOfReply,
  FrameType,
  headWord,
  makeTicket,
  replyIsError,
} from '../../../core/frame.js';
import { decodeGreeting, encodeGreeting, noToken } from '../../../core/greeting.js';
import { ReplyJoiner } from '../../../core/reply-joiner.js';
import { makeFrame, patternBytes } from '../../unit/fake-link.js';
import { SessionPair } from '../../unit/session-pair.js';

const tag = 1;
const quota = {
  messages: 4,
  messageBytes: 4000,
  transactions: 2,
  parameterBytes: 4000,
  statusBytes: 4000,
} as const;
const hugeBytes = 2 ** 20;
const fragmentHeaderBytes = 12;

/** After a word was read, something else is there. */
class ShiftyArea extends ByteArea {
  readonly #later: ReadonlyMap<number, number>;

  constructor(area: ByteArea, later: Readonly<Record<number, number>>) {
    super(area.bytes);
    this.#later = new Map(Object.entries(later).map(([offset, word]) => [Number(offset), word]));
  }

  override getWord(offset: number): number {
    const word = super.getWord(offset);
    this.setWord(offset, this.#later.get(offset) ?? word);
    return word;
  }
}

function firstFragment(flags: number, totalBytes: number, inner: readonly number[]): ByteArea {
  const head = headWord(FrameType.Fragment, flags | fragmentFirst, tag);
  return makeFrame([head, totalBytes, 0, ...inner], patternBytes(40, 1));
}

describe('memory that changes under our eyes', () => {
  it('an item is as long as was checked: messages and requests', () => {
    for (const type of [FrameType.Message, FrameType.Request]) {
      const { far } = new SessionPair(quota);
      const area = firstFragment(0, hugeBytes, [headWord(type, 0, tag), 1, makeTicket(0, 0)]);
      const shifty = new ShiftyArea(area, { 4: 100 });
      assert.equal(far.responder.takeFragment(shifty, 0, area.bytes.length), false);
    }
  });

  it('an item is of the type that was checked', () => {
    const { far } = new SessionPair(quota);
    const area = firstFragment(0, 100, [headWord(FrameType.Reply, 0, tag), 1, makeTicket(0, 0)]);
    const later = { [fragmentHeaderBytes]: headWord(FrameType.Message, 0, tag) };
    const shifty = new ShiftyArea(area, later);
    assert.equal(far.responder.takeFragment(shifty, 0, area.bytes.length), false);
  });

  it('an item is as long as was checked: replies', () => {
    const { near } = new SessionPair(quota);
    const joiner = new ReplyJoiner();
    joiner.open(quota.statusBytes, 1024);
    const inner = [headWord(FrameType.Reply, 0, tag), makeTicket(0, 0), 0];
    const area = firstFragment(fragmentOfReply, hugeBytes, inner);
    const shifty = new ShiftyArea(area, { 4: 100 });
    assert.equal(joiner.take(shifty, 0, area.bytes.length, near.initiator), false);
  });

  it('a status is shown as a copy, whatever becomes of the frame', () => {
    const { near } = new SessionPair(quota);
    const status = patternBytes(100, 5);
    const frame = makeFrame([headWord(FrameType.Reply, 0, tag), makeTicket(0, 0), 0], status);
    let shown: Uint8Array | undefined;
    near.initiator.transact(
      Uint8Array.of(1),
      (_context, _code, _execution, bytes, offset, byteLength) => {
        frame.bytes.fill(0xee);
        shown = bytes.slice(offset, offset + byteLength);
      },
      undefined,
      1000,
    );
    near.session.frame(frame.bytes, 0, frame.bytes.length);
    assert.deepEqual(shown, status);
    assert.equal(near.end, undefined);
  });

  it('a status longer than was agreed is not even copied', () => {
    const { near } = new SessionPair({ ...quota, statusBytes: 100 });
    near.transact('a', Uint8Array.of(1));
    const words = [headWord(FrameType.Reply, replyIsError, tag), makeTicket(0, 0), 0];
    const frame = makeFrame(words, patternBytes(101, 1));
    assert.equal(near.initiator.takeReply(frame, 0, frame.bytes.length), false);
  });

  it('a greeting is read where no other thread writes', () => {
    const greeting = {
      features: 0,
      domainId: 'a'.repeat(32),
      incarnation: 'b'.repeat(16),
      token: noToken,
      quota,
      domainName: 'domäne',
      endpointName: '1',
      service: 'any/thing',
    };
    const frame = encodeGreeting(headWord(FrameType.Hello, 0, 0), greeting);
    const bytes = new Uint8Array(new SharedArrayBuffer(frame.length));
    bytes.set(frame);
    const area = new ByteArea(bytes);
    assert.deepEqual(decodeGreeting(area, 0, frame.length), greeting);
  });
});
