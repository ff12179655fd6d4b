/** The half that receives: order, limits, credits, answers under back-pressure, flushes, drain. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import {
  FlushOutcome,
  fragmentAbort,
  fragmentFirst,
  FrameType,
  headWord,
  makeTicket,
} from '../../core/frame.js';
import { makeFrame, patternBytes, type SentFrame } from './fake-link.js';
import { SessionPair, type PairEnd } from './session-pair.js';

const tag = 1;
const small = { messages: 4, messageBytes: 4000, transactions: 2, parameterBytes: 4000 } as const;

/** Gives `end` a frame that no peer of the pair has made. */
function inject(end: PairEnd, words: readonly number[], body?: Uint8Array): void {
  const area = makeFrame(words, body);
  end.session.frame(area.bytes, 0, area.bytes.length);
}

function injectMessage(end: PairEnd, sequence: number, byteLength = 3): void {
  inject(end, [headWord(FrameType.Message, 0, tag), sequence], patternBytes(byteLength, sequence));
}

function injectRequest(end: PairEnd, sequence: number, ticket: number, byteLength = 3): void {
  const words = [headWord(FrameType.Request, 0, tag), sequence, ticket];
  inject(end, words, patternBytes(byteLength, sequence));
}

function injectFlush(end: PairEnd, ticket: number): void {
  inject(end, [headWord(FrameType.Flush, 0, tag), ticket]);
}

function injectFragment(end: PairEnd, flags: number, words: readonly number[], body: Uint8Array) {
  inject(end, [headWord(FrameType.Fragment, flags, tag), ...words], body);
}

function typesOf(frames: readonly SentFrame[]): string[] {
  const names = Object.entries(FrameType);
  return frames.map(({ type }) => names.find(([, value]) => value === type)?.[0] ?? '?');
}

function assertCorrupt(end: PairEnd): void {
  assert.equal(end.end?.reason, ErrorCode.Corrupt);
}

describe('received messages', () => {
  it('are handed over in order with their bytes, sequence and length', () => {
    const { far } = new SessionPair(small);
    for (const sequence of [1, 2, 3]) injectMessage(far, sequence, 5 * sequence);
    assert.deepEqual(
      far.messages.map(({ sequence, byteLength }) => [sequence, byteLength]),
      [
        [1, 5],
        [2, 10],
        [3, 15],
      ],
    );
    for (const message of far.messages) {
      assert.deepEqual(message.body, patternBytes(message.byteLength, message.sequence));
    }
    assert.equal(far.responder.handledThrough, 3);
  });

  it('one more than the credits granted is corrupt', () => {
    const { far } = new SessionPair(small);
    for (const sequence of [1, 2, 3, 4]) injectMessage(far, sequence);
    assert.equal(far.end, undefined);
    injectMessage(far, 5);
    assertCorrupt(far);
  });

  for (const [what, sequence] of [
    ['a gap', 2],
    ['a repetition', 0],
    ['a negative number', -1],
  ] as const) {
    it(`${what} in the sequence is corrupt`, () => {
      const { far } = new SessionPair(small);
      injectMessage(far, sequence);
      assertCorrupt(far);
      assert.equal(far.messages.length, 0);
    });
  }

  it('one byte more than agreed is corrupt; exactly as much is not', () => {
    const { far } = new SessionPair({ ...small, messageBytes: 100 });
    injectMessage(far, 1, 100);
    assert.equal(far.end, undefined);
    injectMessage(far, 2, 101);
    assertCorrupt(far);
  });

  it('of another epoch are corrupt', () => {
    const { far } = new SessionPair(small);
    inject(far, [headWord(FrameType.Message, 0, tag + 1), 1]);
    assertCorrupt(far);
  });

  it('with nobody listening are completed at once and counted', () => {
    const pair = new SessionPair(small);
    pair.far.isListening = false;
    for (let count = 0; count < 4; count++) {
      assert(pair.near.initiator.submitMessage(patternBytes(10, count)) > 0);
    }
    pair.settle();
    assert.equal(pair.far.responder.statistics.messagesUnheard, 4);
    assert.equal(pair.near.initiator.uncompletedMessages, 0);
  });
});

describe('credits', () => {
  it('go out in batches of a quarter, and the rest at the end of the turn', () => {
    const { far } = new SessionPair({ ...small, messages: 16 });
    for (let sequence = 1; sequence <= 16; sequence++) injectMessage(far, sequence);
    for (const message of far.messages.slice(0, 6)) message.complete();
    const [batch, ...more] = far.link.takeSent();
    assert.deepEqual([batch?.type, batch?.first, batch?.second], [FrameType.Credit, 4, 4]);
    assert.equal(more.length, 0);
    far.endTurn();
    const [rest] = far.link.takeSent();
    assert.deepEqual([rest?.type, rest?.first, rest?.second], [FrameType.Credit, 6, 6]);
  });

  it('that the link refuses are sent together when it is writable again', () => {
    const pair = new SessionPair(small);
    const { far } = pair;
    for (const sequence of [1, 2, 3, 4]) injectMessage(far, sequence);
    far.link.room = 0;
    for (const message of far.messages) message.complete();
    far.endTurn();
    assert.equal(far.link.sent.length, 0);
    pair.giveRoom(far, 1);
    const [credit] = far.link.takeSent();
    assert.deepEqual([credit?.first, credit?.second], [4, 4]);
  });

  it('name the ordinal through which all are complete, however many came after a held one', () => {
    const pair = new SessionPair({ ...small, messages: 4 });
    const { near, far } = pair;
    for (let count = 0; count < 4; count++) near.initiator.submitMessage(patternBytes(4, count));
    pair.settle();
    const [held, ...others] = far.messages.splice(0);
    for (const message of others) message.complete();
    pair.settle();
    for (let round = 0; round < 20; round++) {
      assert(near.initiator.submitMessage(patternBytes(4, round)) > 0);
      pair.settle();
      far.messages.shift()?.complete();
      far.endTurn();
      assert.equal(far.link.takeSent().at(-1)?.second, 0, 'the first one is still held');
      assert(near.initiator.takeCredit(4 + round, 0));
    }
    held?.complete();
    far.endTurn();
    assert.equal(far.link.takeSent().at(-1)?.second, 24);
  });

  it('for a message completed out of order are legal to the initiator', () => {
    const pair = new SessionPair(small);
    for (let count = 0; count < 4; count++) pair.near.initiator.submitMessage(patternBytes(4, 1));
    pair.settle();
    for (const index of [3, 1, 2, 0]) {
      pair.far.messages[index]?.complete();
      pair.settle();
      assert.equal(pair.near.end, undefined, 'not corrupt');
    }
    assert.equal(pair.near.initiator.uncompletedMessages, 0);
  });
});

describe('received requests', () => {
  it('are handed over in order of submission, mixed with messages', () => {
    const pair = new SessionPair(small);
    const order: string[] = [];
    pair.near.initiator.submitMessage(patternBytes(1, 1));
    pair.near.transact('a', patternBytes(2, 2));
    pair.near.initiator.submitMessage(patternBytes(3, 3));
    while (pair.deliverOne(pair.near)) {
      order.push(`${pair.far.messages.length}/${pair.far.transactions.length}`);
    }
    assert.deepEqual(order, ['1/0', '1/1', '2/1']);
  });

  it('in a slot that is still handled are corrupt', () => {
    const { far } = new SessionPair(small);
    injectRequest(far, 1, makeTicket(0, 0));
    injectRequest(far, 2, makeTicket(0, 1));
    assertCorrupt(far);
  });

  it('in a slot beyond the agreed ones are corrupt', () => {
    const { far } = new SessionPair(small);
    injectRequest(far, 1, makeTicket(2, 0));
    assertCorrupt(far);
  });

  it('with a negative ticket are corrupt', () => {
    const { far } = new SessionPair(small);
    injectRequest(far, 1, -1);
    assertCorrupt(far);
  });

  it('in a slot whose reply still waits for the link are corrupt', () => {
    const { far } = new SessionPair(small);
    injectRequest(far, 1, makeTicket(0, 0));
    far.link.room = 0;
    far.transactions[0]?.complete(patternBytes(9, 9));
    injectRequest(far, 2, makeTicket(0, 1));
    assertCorrupt(far);
  });

  it('with nobody listening are answered UNSUPPORTED: never executed', () => {
    const pair = new SessionPair(small);
    pair.far.isListening = false;
    pair.near.transact('a', patternBytes(4, 4));
    pair.settle();
    assert.deepEqual(pair.near.namesSettled(), ['a UNSUPPORTED never']);
    assert.equal(pair.far.responder.statistics.transactionsUnheard, 1);
  });

  it('answered with more than agreed end TOO_LARGE: done', () => {
    const pair = new SessionPair({ ...small, statusBytes: 10 });
    pair.near.transact('a', patternBytes(4, 4));
    pair.settle();
    pair.far.transactions[0]?.complete(patternBytes(11, 1));
    pair.settle();
    assert.deepEqual(pair.near.namesSettled(), ['a TOO_LARGE done']);
    assert.equal(pair.far.responder.statistics.repliesTooLarge, 1);
  });

  it('completed twice: COMPLETED_TWICE', () => {
    const { far } = new SessionPair(small);
    injectRequest(far, 1, makeTicket(0, 0));
    injectMessage(far, 2);
    far.transactions[0]?.complete();
    far.messages[0]?.complete();
    assert.throws(() => far.transactions[0]?.complete(), { code: 'COMPLETED_TWICE' });
    assert.throws(() => far.messages[0]?.complete(), { code: 'COMPLETED_TWICE' });
    assert.throws(() => far.transactions[0]?.parameters, { code: 'COMPLETED_TWICE' });
    assert.throws(() => far.messages[0]?.body, { code: 'COMPLETED_TWICE' });
  });

  it('completed with a code that is no 32-bit integer: BAD_ARGUMENT, and still open', () => {
    const { far } = new SessionPair(small);
    injectRequest(far, 1, makeTicket(0, 0));
    for (const code of [1.5, 2 ** 31, NaN]) {
      assert.throws(() => far.transactions[0]?.complete(undefined, code), { code: 'BAD_ARGUMENT' });
    }
    far.transactions[0]?.complete(undefined, -(2 ** 31));
  });
});

describe('replies under back-pressure', () => {
  it('are kept as they were at `complete`, and go out in that order', () => {
    const pair = new SessionPair({ ...small, transactions: 4 });
    for (const name of ['a', 'b', 'c', 'd']) pair.near.transact(name, patternBytes(1, 1));
    while (pair.deliverOne(pair.near));
    pair.far.link.room = 0;
    const status = new Uint8Array(1);
    for (const index of [2, 0, 3, 1]) {
      status[0] = 0x30 + index;
      pair.far.transactions[index]?.complete(status, index);
    }
    for (let count = 0; count < 4; count++) pair.giveRoom(pair.far, 1);
    pair.settle();
    assert.deepEqual(
      pair.near.settled.map(({ name, status: answer, remoteCode }) => [name, answer, remoteCode]),
      [
        ['c', '2', 2],
        ['a', '0', 0],
        ['d', '3', 3],
        ['b', '1', 1],
      ],
    );
  });

  it('a long one in fragments lets credits and other frames between', () => {
    const pair = new SessionPair({ ...small, statusBytes: 5000 });
    const { near, far } = pair;
    near.transact('long', patternBytes(1, 1));
    near.transact('short', patternBytes(1, 1));
    near.initiator.submitMessage(patternBytes(1, 1));
    while (pair.deliverOne(near));
    far.link.room = 1;
    const status = patternBytes(5000, 5);
    far.transactions[0]?.complete(status);
    status.fill(0);
    far.transactions[1]?.complete(patternBytes(3, 3));
    far.messages[0]?.complete();
    const seen: string[] = typesOf(far.link.sent.map((bytes) => frameOf(bytes)));
    while (near.settled.length < 2) {
      pair.giveRoom(far, 1);
      seen.push(...typesOf(far.link.sent.slice(-1).map((bytes) => frameOf(bytes))));
      while (pair.deliverOne(far));
    }
    assert.deepEqual(seen.slice(0, 3), ['Fragment', 'Credit', 'Fragment']);
    assert.equal(near.settled[0]?.name, 'long');
    assert.equal(near.settled[0].status, Buffer.from(patternBytes(5000, 5)).toString('latin1'));
    assert.equal(near.settled[1]?.name, 'short');
  });
});

function frameOf(bytes: Uint8Array): SentFrame {
  return { bytes, type: bytes[0] ?? 0, flags: bytes[1] ?? 0, first: 0, second: 0 };
}

describe('flush', () => {
  it('while the handler runs: Started, the signal fires, then Released at completion', () => {
    const { far } = new SessionPair(small);
    const ticket = makeTicket(1, 0);
    injectRequest(far, 1, ticket);
    const transaction = far.transactions[0];
    assert.equal(transaction?.signal.aborted, false);
    injectFlush(far, ticket);
    assert.equal(transaction.signal.aborted, true);
    transaction.complete(patternBytes(8, 8));
    const frames = far.link.takeSent();
    assert.deepEqual(typesOf(frames), ['Flushed', 'Released']);
    assert.deepEqual([frames[0]?.flags, frames[0]?.first], [FlushOutcome.Started, ticket]);
    assert.equal(frames[1]?.first, ticket);
  });

  it('after the answer: Answered, behind the reply, even if both wait for the link', () => {
    const pair = new SessionPair(small);
    const { far } = pair;
    injectRequest(far, 1, makeTicket(0, 0));
    far.link.room = 0;
    far.transactions[0]?.complete();
    injectFlush(far, makeTicket(0, 0));
    pair.giveRoom(far, 2);
    const frames = far.link.takeSent();
    assert.deepEqual(typesOf(frames), ['Reply', 'Flushed']);
    assert.equal(frames[1]?.flags, FlushOutcome.Answered);
  });

  for (const [what, tickets] of [
    ['of nothing', [makeTicket(1, 0)]],
    ['of another generation', [makeTicket(0, 1)]],
    ['of a slot beyond the agreed ones', [makeTicket(7, 0)]],
    ['twice', [makeTicket(0, 0), makeTicket(0, 0)]],
  ] as const) {
    it(`${what} is corrupt`, () => {
      const { far } = new SessionPair(small);
      injectRequest(far, 1, makeTicket(0, 0));
      for (const ticket of tickets) injectFlush(far, ticket);
      assertCorrupt(far);
    });
  }
});

describe('fragments of requests', () => {
  const first = (type: number, ticket?: number): number[] => [
    headWord(type, 0, tag),
    1,
    ...(ticket === undefined ? [] : [ticket]),
  ];
  const head = (total: number, at: number): number[] => [total, at];

  it('an aborted request frees its slot, and the next sequence follows', () => {
    const { far } = new SessionPair(small);
    const inner = makeFrame(first(FrameType.Request, 0), patternBytes(100, 1)).bytes;
    injectFragment(far, fragmentFirst, head(2000, 0), inner);
    injectFragment(far, fragmentAbort, head(0, 0), new Uint8Array(0));
    injectRequest(far, 2, makeTicket(0, 1));
    assert.equal(far.end, undefined);
    assert.equal(far.transactions.length, 1);
    assert.equal(far.responder.openTransactions, 1);
  });

  it('an aborted message is corrupt: nobody can cancel one', () => {
    const { far } = new SessionPair(small);
    const inner = makeFrame(first(FrameType.Message), patternBytes(100, 1)).bytes;
    injectFragment(far, fragmentFirst, head(2000, 0), inner);
    injectFragment(far, fragmentAbort, head(0, 0), new Uint8Array(0));
    assertCorrupt(far);
  });

  it('another request between two fragments is corrupt', () => {
    const { far } = new SessionPair(small);
    const inner = makeFrame(first(FrameType.Message), patternBytes(100, 1)).bytes;
    injectFragment(far, fragmentFirst, head(2000, 0), inner);
    injectMessage(far, 2);
    assertCorrupt(far);
  });

  for (const [what, total, inner] of [
    ['of more than agreed', 4009, makeFrame(first(FrameType.Message), patternBytes(9, 1))],
    ['of a negative length', -5, makeFrame(first(FrameType.Message), patternBytes(9, 1))],
    ['of a reply', 2000, makeFrame(first(FrameType.Reply, 0), patternBytes(9, 1))],
    ['with half a header', 2000, makeFrame([headWord(FrameType.Request, 0, tag), 1])],
    ['with a quarter of a header', 2000, makeFrame([headWord(FrameType.Request, 0, tag)])],
    ['that is whole already', 17, makeFrame(first(FrameType.Message), patternBytes(9, 1))],
  ] as const) {
    it(`a first one ${what} is corrupt`, () => {
      const { far } = new SessionPair(small);
      injectFragment(far, fragmentFirst, head(total, 0), inner.bytes);
      assertCorrupt(far);
    });
  }

  it('a further one that holds more than is left is corrupt', () => {
    const { far } = new SessionPair(small);
    const inner = makeFrame(first(FrameType.Message), patternBytes(92, 1)).bytes;
    injectFragment(far, fragmentFirst, head(200, 0), inner);
    injectFragment(far, 0, head(200, 100), patternBytes(101, 1));
    assertCorrupt(far);
  });

  it('the end of the epoch between two of them leaves nothing to drain', () => {
    for (const type of [FrameType.Message, FrameType.Request]) {
      const { far } = new SessionPair(small);
      const inner = makeFrame(first(type, 0), patternBytes(100, 1)).bytes;
      injectFragment(far, fragmentFirst, head(2000, 0), inner);
      far.session.linkDown('reset');
      assert.equal(far.responder.openMessages, 0);
      assert.equal(far.responder.openTransactions, 0);
    }
  });
});

describe('the end of the epoch', () => {
  it('what the client holds is its drain; the last completion says so once', () => {
    const { far } = new SessionPair(small);
    injectMessage(far, 1);
    injectRequest(far, 2, makeTicket(0, 0));
    far.session.linkDown('reset');
    assert.deepEqual([far.responder.openMessages, far.responder.openTransactions], [1, 1]);
    assert.equal(far.transactions[0]?.signal.aborted, true);
    far.transactions[0].complete(patternBytes(4, 4));
    assert.equal(far.drainedCount, 0);
    far.messages[0]?.complete();
    assert.equal(far.drainedCount, 1);
    assert.equal(far.link.takeSent().length, 0);
  });

  it('abandoned: nothing is held any more, and late completions tell nobody', () => {
    const { far } = new SessionPair(small);
    injectMessage(far, 1);
    far.session.linkDown('reset');
    far.responder.abandon();
    assert.equal(far.responder.openMessages, 0);
    far.messages[0]?.complete();
    assert.equal(far.drainedCount, 0);
  });
});
