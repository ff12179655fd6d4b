/** Fragments: whatever is cut by the sender is joined to the same by the joiner. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteArea } from '../../core/byte-area.js';
import { FragmentJoiner, Joined } from '../../core/fragment-joiner.js';
import { FragmentSender } from '../../core/fragment-sender.js';
import {
  epochTagOf,
  flagsOf,
  fragmentAbort,
  fragmentHeaderBytes,
  fragmentOfReply,
  FrameType,
  typeOf,
} from '../../core/frame.js';
import { FakeLink, makeWriter, patternBytes } from '../unit/fake-link.js';
import { check } from './check.js';

const itemBytesMax = 9000;

interface Case {
  readonly stream: 'request' | 'reply';
  readonly frameBytesMax: number;
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly parts: number;
  readonly isStable: boolean;
  /** Room that the link has before each attempt. */
  readonly rooms: readonly number[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  stream: fc.constantFrom('request', 'reply'),
  frameBytesMax: fc.integer({ min: 1024, max: 2100 }),
  headerBytes: fc.constantFrom(8, 12),
  bodyBytes: fc.integer({ min: 2100, max: itemBytesMax }),
  parts: fc.integer({ min: 1, max: 4 }),
  isStable: fc.boolean(),
  rooms: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 }),
});

const header = [0x1234_5611, 77, 99] as const;

/** Joins frames as a responder does; answers the body, or how far it came. */
class Receiver {
  readonly #joiner = new FragmentJoiner();
  readonly #target = ByteArea.allocate(itemBytesMax + 8);
  readonly #headerBytes: number;
  state: 'none' | 'open' | 'whole' | 'aborted' | 'corrupt' = 'none';
  body: Uint8Array = new Uint8Array(0);
  readonly words: number[] = [];

  constructor(headerBytes: number) {
    this.#headerBytes = headerBytes;
  }

  take(frame: Uint8Array): void {
    const area = new ByteArea(Buffer.concat([Buffer.alloc(3), frame]));
    const joined = this.#joiner.take(area, 3, frame.length);
    switch (joined) {
      case Joined.First:
        for (let at = 0; at < this.#headerBytes; at += 4) {
          this.words.push(area.getWord(3 + fragmentHeaderBytes + at));
        }
        this.#joiner.begin(this.#headerBytes, this.#target, 4, area, 3, frame.length);
        this.state = 'open';
        break;
      case Joined.Whole:
        this.state = 'whole';
        this.body = this.#target.bytes.slice(4, 4 + this.#joiner.bodyBytes);
        this.#joiner.reset();
        break;
      case Joined.Aborted:
        this.state = 'aborted';
        this.#joiner.reset();
        break;
      case Joined.Corrupt:
        this.state = 'corrupt';
        break;
      case Joined.Partial:
        break;
    }
  }
}

function cut(bytes: Uint8Array, parts: number): Uint8Array[] {
  const stride = Math.ceil(bytes.length / parts);
  return Array.from({ length: parts }, (_, index) =>
    bytes.subarray(index * stride, (index + 1) * stride),
  );
}

/** Starts the item, again and again if the link takes nothing. */
function start(sender: FragmentSender, link: FakeLink, choice: Case, rooms: number[]): Uint8Array {
  const body = patternBytes(choice.bodyBytes, choice.frameBytesMax);
  const original = body.slice();
  const writer = makeWriter(link, choice.frameBytesMax, 0x8001);
  const list = cut(body, choice.parts);
  for (;;) {
    link.room = rooms.shift() ?? Infinity;
    if (sender.start(writer, header, choice.headerBytes, list, choice.isStable)) break;
    assert.equal(link.sent.length, 0, 'refused: nothing was sent');
    assert.equal(sender.isBusy, false);
  }
  // Who does not keep it stable may overwrite it at once.
  if (!choice.isStable) body.fill(0);
  return original;
}

describe('fragments', () => {
  it('joined == original, however often the link refuses', () => {
    check(
      cases,
      (choice) => {
        const link = new FakeLink(choice.frameBytesMax);
        const writer = makeWriter(link, choice.frameBytesMax, 0x8001);
        const sender = new FragmentSender(choice.stream, itemBytesMax);
        const rooms = [...choice.rooms];
        const original = start(sender, link, choice, rooms);
        const receiver = new Receiver(choice.headerBytes);
        for (;;) {
          for (const frame of link.sent.splice(0)) {
            const head = new ByteArea(frame).getWord(0);
            assert.deepEqual([typeOf(head), epochTagOf(head)], [FrameType.Fragment, 0x8001]);
            assert.equal((flagsOf(head) & fragmentOfReply) !== 0, choice.stream === 'reply');
            receiver.take(frame);
          }
          if (!sender.isBusy) break;
          link.room = rooms.shift() ?? Infinity;
          sender.pump(writer);
        }
        assert.equal(receiver.state, 'whole');
        assert.equal(Buffer.compare(receiver.body, original), 0);
        assert.deepEqual(receiver.words, header.slice(0, choice.headerBytes / 4));
      },
      500,
    );
  });

  it('abort: the joiner forgets what it has, and the next item is joined whole', () => {
    check(fc.tuple(cases, fc.integer({ min: 1, max: 2 })), ([choice, sentFirst]) => {
      const link = new FakeLink(choice.frameBytesMax);
      const writer = makeWriter(link, choice.frameBytesMax, 0x8001);
      const sender = new FragmentSender(choice.stream, itemBytesMax);
      const receiver = new Receiver(choice.headerBytes);
      start(sender, link, choice, [sentFirst]);
      if (!sender.isBusy) return;
      link.room = 0;
      sender.abort(writer);
      assert.equal(sender.isBusy, true);
      assert.equal(sender.pump(writer), false);
      link.room = 1;
      assert.equal(sender.pump(writer), true);
      assert.equal(sender.isBusy, false);
      const last = new ByteArea(link.sent.at(-1) ?? new Uint8Array(4));
      assert((flagsOf(last.getWord(0)) & fragmentAbort) !== 0);
      for (const frame of link.sent.splice(0)) receiver.take(frame);
      assert.equal(receiver.state, 'aborted');
      const original = start(sender, link, choice, []);
      for (const frame of link.sent.splice(0)) receiver.take(frame);
      assert.equal(receiver.state, 'whole');
      assert.equal(Buffer.compare(receiver.body, original), 0);
    });
  });

  it('one left out, repeated or changed in its header is corrupt', () => {
    const what = fc.constantFrom('leave out', 'repeat', 'total', 'offset', 'first');
    check(
      fc.tuple(cases, what, fc.nat(), fc.integer({ min: 1, max: 2 ** 31 - 1 })),
      ([choice, mistake, at, change]) => {
        const link = new FakeLink(choice.frameBytesMax);
        const sender = new FragmentSender(choice.stream, itemBytesMax);
        start(sender, link, choice, []);
        const frames = link.sent.splice(0);
        // Not the first: the total that it names is for its reader to judge, by the quota.
        const index = 1 + (at % (frames.length - 1));
        const frame = frames[index];
        assert(frame !== undefined);
        const area = new ByteArea(frame);
        if (mistake === 'leave out' && index === frames.length - 1) return;
        if (mistake === 'leave out') frames.splice(index, 1);
        if (mistake === 'repeat') frames.splice(index, 0, frame);
        if (mistake === 'total') area.setWord(4, area.getWord(4) ^ change);
        if (mistake === 'offset') area.setWord(8, area.getWord(8) ^ change);
        if (mistake === 'first') area.bytes[1] = (area.bytes[1] ?? 0) | 2;
        const receiver = new Receiver(choice.headerBytes);
        for (const each of frames) if (receiver.state !== 'corrupt') receiver.take(each);
        assert.equal(receiver.state, 'corrupt');
      },
    );
  });

  it('frames that mean nothing never throw, and copy nothing out of range', () => {
    check(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (frames) => {
      const joiner = new FragmentJoiner();
      for (const frame of frames) {
        const joined = joiner.take(new ByteArea(frame), 0, frame.length);
        if (joined === Joined.Corrupt || joined === Joined.First) return;
      }
    });
  });
});
