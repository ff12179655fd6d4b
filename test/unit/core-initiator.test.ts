/** The half that submits: refusals, credits, fragments, and the evidence at the end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from '../../core/api.js';
import { ErrorCode } from '../../core/errors.js';
import {
  fragmentAbort,
  fragmentFirst,
  FrameType,
  headWord,
  makeTicket,
  replyIsError,
} from '../../core/frame.js';
import { makeFrame, makeWriter, patternBytes } from './fake-link.js';
import { outcomesOf } from './outcomes-of.js';
import { SessionPair, type PairEnd } from './session-pair.js';

const tag = 1;
const small = { messages: 3, messageBytes: 4000, transactions: 2, parameterBytes: 4000 } as const;
const long = patternBytes(3000, 3);

function inject(end: PairEnd, words: readonly number[], body?: Uint8Array): void {
  const area = makeFrame(words, body);
  end.session.frame(area.bytes, 0, area.bytes.length);
}

function injectGoodbye(end: PairEnd, handledThrough: number): void {
  inject(end, [headWord(FrameType.Goodbye, 0, 0), handledThrough, 0]);
}

function injectCredit(end: PairEnd, count: number, completedThrough: number): void {
  inject(end, [headWord(FrameType.Credit, 0, tag), count, completedThrough]);
}

function injectReply(end: PairEnd, ticket: number, code = 0, body?: Uint8Array, flags = 0): void {
  inject(end, [headWord(FrameType.Reply, flags, tag), ticket, code], body);
}

describe('submitting', () => {
  it('a long one that the link takes whole is submitted, once', () => {
    const pair = new SessionPair(small);
    assert.equal(pair.near.initiator.submitMessage(long), 1);
    assert(pair.near.transact('a', long) >= 0);
    pair.settle();
    pair.far.transactions[0]?.complete(long);
    pair.settle();
    assert.deepEqual(pair.far.messages[0]?.body, long);
    assert.deepEqual(pair.near.namesSettled(), ['a OK done']);
    assert.deepEqual([pair.near.end, pair.far.end], [undefined, undefined]);
  });

  it('messages and requests share one sequence that starts with 1', () => {
    const { near } = new SessionPair(small);
    assert.equal(near.initiator.submitMessage(patternBytes(3, 1)), 1);
    assert.equal(near.transact('a', patternBytes(3, 2)), makeTicket(0, 0));
    assert.equal(near.initiator.submitMessage(patternBytes(3, 3)), 3);
    const frames = near.link.takeSent();
    assert.deepEqual(
      frames.map(({ type, first }) => [type, first]),
      [
        [FrameType.Message, 1],
        [FrameType.Request, 2],
        [FrameType.Message, 3],
      ],
    );
    assert.equal(near.initiator.submittedThrough, 3);
  });

  it('a list of bytes is sent as if joined', () => {
    const { near } = new SessionPair(small);
    near.initiator.submitMessage([patternBytes(3, 1), new Uint8Array(0), patternBytes(5, 2)]);
    const expected = Buffer.concat([patternBytes(3, 1), patternBytes(5, 2)]);
    assert.deepEqual(Buffer.from(near.link.sent[0]?.subarray(8) ?? []), expected);
  });

  it('bytes are copied before it returns', () => {
    const pair = new SessionPair(small);
    const body = patternBytes(3000, 3);
    pair.near.link.room = 1;
    pair.near.initiator.submitMessage(body);
    body.fill(0);
    pair.giveRoom(pair.near, 9);
    pair.settle();
    assert.deepEqual(pair.far.messages[0]?.body, long);
  });

  it('without a credit or a slot: Quota', () => {
    const { near } = new SessionPair(small);
    for (let count = 0; count < 3; count++) near.initiator.submitMessage(patternBytes(1, 1));
    assert.equal(near.initiator.submitMessage(patternBytes(1, 1)), Refusal.Quota);
    near.transact('a', patternBytes(1, 1));
    near.transact('b', patternBytes(1, 1));
    assert.equal(near.transact('c', patternBytes(1, 1)), Refusal.Quota);
    assert.equal(near.initiator.statistics.refusals, 2);
  });

  it('one byte more than agreed: TooLarge; exactly as much is taken', () => {
    const { near } = new SessionPair({ ...small, messageBytes: 10, parameterBytes: 20 });
    assert.equal(near.initiator.submitMessage(patternBytes(11, 1)), Refusal.TooLarge);
    assert.equal(near.transact('a', patternBytes(21, 1)), Refusal.TooLarge);
    assert(near.initiator.submitMessage(patternBytes(10, 1)) > 0);
    assert(near.transact('b', patternBytes(20, 1)) >= 0);
  });

  it('while the link refuses: BackPressured, and nothing is used up', () => {
    const pair = new SessionPair(small);
    const { near } = pair;
    near.link.room = 0;
    for (let count = 0; count < 9; count++) {
      assert.equal(near.initiator.submitMessage(patternBytes(9, 1)), Refusal.BackPressured);
      assert.equal(near.initiator.submitMessage(long), Refusal.BackPressured);
      assert.equal(near.transact('a', patternBytes(9, 1)), Refusal.BackPressured);
      assert.equal(near.transact('b', long), Refusal.BackPressured);
    }
    assert.equal(near.initiator.submittedThrough, 0);
    pair.giveRoom(near, 5);
    for (let count = 0; count < 3; count++) {
      assert.equal(near.initiator.submitMessage(patternBytes(9, 1)), count + 1);
    }
    assert.equal(near.transact('c', patternBytes(9, 1)), makeTicket(0, 0));
  });

  it('while a long one is being sent: BackPressured, until its last fragment is out', () => {
    const pair = new SessionPair(small);
    const { near } = pair;
    near.link.room = 1;
    assert.equal(near.initiator.submitMessage(long), 1);
    near.link.room = 0;
    for (let left = 2; left > 0; left--) {
      assert.equal(near.initiator.submitMessage(patternBytes(1, 1)), Refusal.BackPressured);
      assert.equal(near.transact('a', patternBytes(1, 1)), Refusal.BackPressured);
      pair.giveRoom(near, 1);
    }
    near.link.room = Infinity;
    assert.equal(near.initiator.submitMessage(patternBytes(1, 1)), 2);
    pair.settle();
    assert.deepEqual(pair.far.messages[0]?.body, long);
  });

  it('after stop: what stop was told, and nothing is sent', () => {
    const { near } = new SessionPair(small);
    near.initiator.stop(Refusal.Destroyed);
    assert.equal(near.initiator.submitMessage(patternBytes(1, 1)), Refusal.Destroyed);
    assert.equal(near.transact('a', patternBytes(1, 1)), Refusal.Destroyed);
    near.session.linkDown('reset');
    assert.equal(near.initiator.submitMessage(patternBytes(1, 1)), Refusal.NotConnected);
  });
});

describe('credits', () => {
  for (const [what, count, completedThrough] of [
    ['of none', 0, 0],
    ['of a negative number', -1, 0],
    ['of more than are outstanding', 3, 2],
    ['through more than were submitted', 2, 3],
    ['through one that is not complete', 1, 2],
    ['back to before what was said already', 1, -1],
  ] as const) {
    it(`${what} are corrupt`, () => {
      const { near } = new SessionPair(small);
      near.initiator.submitMessage(patternBytes(1, 1));
      near.initiator.submitMessage(patternBytes(1, 1));
      injectCredit(near, count, completedThrough);
      assert.equal(near.end?.reason, ErrorCode.Corrupt);
    });
  }

  it('said twice are corrupt, however many messages are open', () => {
    const { near } = new SessionPair(small);
    for (let count = 0; count < 3; count++) near.initiator.submitMessage(patternBytes(1, 1));
    injectCredit(near, 1, 1);
    assert.equal(near.initiator.uncompletedMessages, 2);
    injectCredit(near, 1, 1);
    assert.equal(near.end?.reason, ErrorCode.Corrupt);
  });

  it('of a frame with another length are corrupt', () => {
    const { near } = new SessionPair(small);
    near.initiator.submitMessage(patternBytes(1, 1));
    inject(near, [headWord(FrameType.Credit, 0, tag), 1, 1, 0]);
    assert.equal(near.end?.reason, ErrorCode.Corrupt);
  });
});

describe('replies', () => {
  it('of exactly as many bytes as agreed are taken, of one more are corrupt', () => {
    const { near } = new SessionPair({ ...small, statusBytes: 8 });
    near.transact('a', patternBytes(1, 1));
    near.transact('b', patternBytes(1, 1));
    injectReply(near, makeTicket(0, 0), 0, patternBytes(8, 1));
    assert.deepEqual(near.namesSettled(), ['a OK done']);
    injectReply(near, makeTicket(1, 0), 0, patternBytes(9, 1));
    assert.deepEqual(near.namesSettled().slice(1), ['b DISCONNECTED maybe']);
    assert.equal(near.end?.reason, ErrorCode.Corrupt);
  });

  it('with a code are REMOTE with that code and the status', () => {
    const { near } = new SessionPair(small);
    near.transact('a', patternBytes(1, 1));
    injectReply(near, makeTicket(0, 0), -7, Buffer.from('why'));
    const [first] = near.settled;
    assert.deepEqual(
      [first?.code, first?.execution, first?.status, first?.remoteCode],
      ['REMOTE', 'done', 'why', -7],
    );
  });

  it('with an error number of a later version are REFUSED: never', () => {
    const { near } = new SessionPair(small);
    near.transact('a', patternBytes(1, 1));
    injectReply(near, makeTicket(0, 0), 9999, undefined, replyIsError);
    assert.deepEqual(near.namesSettled(), ['a REFUSED never']);
  });

  for (const [what, ticket] of [
    ['to nothing', makeTicket(1, 0)],
    ['to another generation', makeTicket(0, 1)],
    ['to a slot beyond the agreed ones', makeTicket(2, 0)],
    ['to a negative ticket', -1],
  ] as const) {
    it(`${what} are corrupt`, () => {
      const { near } = new SessionPair(small);
      near.transact('a', patternBytes(1, 1));
      injectReply(near, ticket);
      assert.equal(near.end?.reason, ErrorCode.Corrupt);
    });
  }

  it('with half a header are corrupt', () => {
    const { near } = new SessionPair(small);
    near.transact('a', patternBytes(1, 1));
    inject(near, [headWord(FrameType.Reply, 0, tag), makeTicket(0, 0)]);
    assert.equal(near.end?.reason, ErrorCode.Corrupt);
  });
});

describe('cancelling a request that is being sent', () => {
  it('takes it back: CANCELLED never, and the peer forgets what it has', () => {
    const pair = new SessionPair(small);
    const { near, far } = pair;
    near.link.room = 1;
    const ticket = near.transact('a', long);
    near.link.room = 1;
    assert(near.initiator.transactions.cancel(ticket, ErrorCode.Cancelled));
    assert.deepEqual(near.namesSettled(), ['a CANCELLED never']);
    assert.deepEqual(
      near.link.sent.map((bytes) => bytes[1]),
      [fragmentFirst, fragmentAbort],
    );
    near.link.room = Infinity;
    assert.notEqual(near.transact('b', patternBytes(2, 2)), ticket);
    pair.settle();
    assert.deepEqual([far.transactions.length, far.transactions[0]?.byteLength], [1, 2]);
  });

  it('with a full link: its slot is free at once, submitting waits for the abort', async () => {
    const pair = new SessionPair(small);
    const { near } = pair;
    near.link.room = 1;
    const ticket = near.transact('a', long);
    near.initiator.transactions.cancel(ticket, ErrorCode.Cancelled);
    assert.equal(near.initiator.transactions.occupiedCount, 0);
    assert.equal(near.transact('b', patternBytes(2, 2)), Refusal.BackPressured);
    const room = near.initiator.whenWritable({ kind: 'transaction', byteLength: 2 });
    assert.deepEqual(await outcomesOf([room]), ['waits']);
    pair.giveRoom(near, 2);
    assert.deepEqual(await outcomesOf([room]), ['resolved']);
    assert(near.transact('b', patternBytes(2, 2)) >= 0);
    pair.settle();
    assert.equal(pair.far.transactions.length, 1);
  });

  it('counts as handled neither itself nor what was submitted before it', () => {
    const { near } = new SessionPair(small);
    near.transact('a', patternBytes(1, 1));
    near.link.room = 1;
    near.initiator.transactions.cancel(near.transact('b', long), ErrorCode.Cancelled);
    near.session.linkDown('reset');
    assert.equal(near.initiator.handledThrough, 0);
  });

  it('many times over leaves a goodbye’s evidence plausible', () => {
    const { near } = new SessionPair({ ...small, messages: 1, transactions: 1 });
    for (let count = 0; count < 50; count++) {
      near.link.room = 1;
      const ticket = near.transact('long', long);
      near.link.room = 1;
      near.initiator.transactions.cancel(ticket, ErrorCode.Cancelled);
    }
    near.settled.length = 0;
    near.link.room = 2;
    near.transact('whole', patternBytes(1, 1));
    injectGoodbye(near, 0);
    assert.deepEqual(near.namesSettled(), ['whole DISCONNECTED never']);
    assert.equal(near.initiator.neverFrom, 1);
  });
});

describe('the end of the epoch', () => {
  it('without a word of the peer: maybe, for whatever was committed whole', () => {
    const { near } = new SessionPair(small);
    near.transact('a', patternBytes(1, 1));
    near.link.room = 1;
    near.transact('b', long);
    near.session.linkDown('reset');
    assert.deepEqual(near.namesSettled(), ['a DISCONNECTED maybe', 'b DISCONNECTED never']);
    assert.equal(near.initiator.submittedThrough, 2);
    assert.equal(near.initiator.neverFrom, 2);
  });

  it('with the peer’s word: never for everything above it', () => {
    const { near } = new SessionPair({ ...small, transactions: 4 });
    for (const name of ['a', 'b', 'c', 'd']) near.transact(name, patternBytes(1, 1));
    injectGoodbye(near, 2);
    assert.deepEqual(near.namesSettled(), [
      'a DISCONNECTED maybe',
      'b DISCONNECTED maybe',
      'c DISCONNECTED never',
      'd DISCONNECTED never',
    ]);
    assert.deepEqual([near.initiator.handledThrough, near.initiator.neverFrom], [2, 3]);
  });

  for (const [what, handledThrough] of [
    ['more than was submitted', 5],
    ['a negative number', -1],
  ] as const) {
    it(`a peer that claims ${what} has given no evidence`, () => {
      const { near } = new SessionPair(small);
      near.transact('a', patternBytes(1, 1));
      injectGoodbye(near, handledThrough);
      assert.deepEqual(near.namesSettled(), ['a DISCONNECTED maybe']);
    });
  }

  it('a peer cannot take back what its replies have shown', () => {
    const { near } = new SessionPair(small);
    near.transact('a', patternBytes(1, 1));
    near.transact('b', patternBytes(1, 1));
    injectReply(near, makeTicket(1, 0));
    injectGoodbye(near, 0);
    assert.deepEqual(near.namesSettled(), ['b OK done', 'a DISCONNECTED maybe']);
    assert.deepEqual([near.initiator.handledThrough, near.initiator.neverFrom], [2, 3]);
  });

  it('a completion that cancels another transaction then does no harm', () => {
    const { near, runtime } = new SessionPair(small);
    const tickets: number[] = [];
    const settled: string[] = [];
    const completion = (name: string, code: ErrorCode): void => {
      settled.push(`${name} ${code}`);
      near.initiator.transactions.cancel(tickets[1] ?? -1, ErrorCode.Cancelled);
    };
    for (const name of ['a', 'b']) {
      tickets.push(near.initiator.transact(patternBytes(1, 1), completion, name, 1000));
    }
    near.session.linkDown('reset');
    assert.deepEqual(runtime.crashes, []);
    assert.deepEqual(settled, ['a DISCONNECTED', 'b CANCELLED']);
    assert.equal(runtime.pendingCount, 0, 'no timer is left');
  });

  it('a completion that submits again then is refused', () => {
    const { near } = new SessionPair(small);
    const answers: number[] = [];
    const completion = (): void => {
      answers.push(near.transact('again', patternBytes(1, 1)));
    };
    near.initiator.transact(patternBytes(1, 1), completion, undefined, Infinity);
    near.session.linkDown('reset');
    assert.deepEqual(answers, [Refusal.NotConnected]);
  });

  it('the next epoch starts from nothing: sequence, credits, slots, flushes', async () => {
    const pair = new SessionPair(small);
    const { near } = pair;
    near.initiator.submitMessage(patternBytes(1, 1));
    near.initiator.submitMessage(patternBytes(1, 1));
    injectCredit(near, 1, 1);
    const ticket = near.transact('a', patternBytes(1, 1));
    near.link.room = 0;
    near.initiator.transactions.cancel(ticket, ErrorCode.Cancelled);
    near.session.linkDown('reset');
    const other = new SessionPair(small);
    near.initiator.begin(makeWriter(other.near.link, 1024, 2), pair.quota);
    near.initiator.pump();
    assert.deepEqual(other.near.link.sent, [], 'nothing is left to be sent');
    await near.initiator.whenFlushed();
    assert.deepEqual([near.initiator.handledThrough, near.initiator.submittedThrough], [0, 0]);
    assert.equal(near.initiator.uncompletedMessages, 0);
    assert.equal(near.initiator.submitMessage(patternBytes(1, 1)), 1);
    assert.equal(near.transact('b', patternBytes(1, 1)), makeTicket(0, 1));
    const flush = near.initiator.whenFlushed();
    assert.deepEqual(await outcomesOf([flush]), ['waits']);
    near.initiator.takeCredit(1, 1);
    await flush;
  });
});
