/** Transaction slots: flush races, time limits, generations, and callbacks that misbehave. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import { FlushOutcome, FrameType, generationMask, headWord, makeTicket } from '../../core/frame.js';
import { TimerWheel } from '../../core/timer-wheel.js';
import { TransactionSlots } from '../../core/transaction-slots.js';
import { makeFrame, patternBytes } from './fake-link.js';
import { SessionPair, type PairEnd } from './session-pair.js';
import { VirtualRuntime } from './virtual-runtime.js';

const tag = 1;
const small = { messages: 2, messageBytes: 64, transactions: 2, parameterBytes: 64 } as const;
const one = patternBytes(1, 1);

function inject(end: PairEnd, type: number, flags: number, ...words: readonly number[]): void {
  const epochTag = type < FrameType.Message ? 0 : tag;
  const area = makeFrame([headWord(type, flags, epochTag), ...words]);
  end.session.frame(area.bytes, 0, area.bytes.length);
}

function cancel(end: PairEnd, ticket: number): boolean {
  return end.initiator.transactions.cancel(ticket, ErrorCode.Cancelled);
}

/** Delivers all that `end` has sent. */
function deliverFrom(pair: SessionPair, end: PairEnd): void {
  while (pair.deliverOne(end));
}

/** One transaction that has arrived at the far end's handler. */
function handledOne(): { pair: SessionPair; near: PairEnd; far: PairEnd; ticket: number } {
  const pair = new SessionPair(small);
  const { near, far } = pair;
  const ticket = near.transact('a', one);
  deliverFrom(pair, near);
  return { pair, near, far, ticket };
}

describe('cancel', () => {
  it('of a handler that runs: CANCELLED maybe, and the slot waits for its release', () => {
    const { pair, near, far, ticket } = handledOne();
    assert(cancel(near, ticket));
    assert.deepEqual(near.settled, []);
    pair.settle();
    assert.deepEqual(near.namesSettled(), ['a CANCELLED maybe']);
    assert.equal(near.initiator.transactions.occupiedCount, 1);
    far.transactions[0]?.complete();
    pair.settle();
    assert.equal(near.initiator.transactions.occupiedCount, 0);
    assert.equal(near.settled.length, 1);
  });

  it('with the reply on its way: the reply stands, and the slot waits for the flush', () => {
    const { pair, near, far, ticket } = handledOne();
    far.transactions[0]?.complete(Buffer.from('yes'));
    cancel(near, ticket);
    pair.deliverOne(far);
    assert.deepEqual(near.namesSettled(), ['a OK done']);
    assert.equal(near.initiator.transactions.occupiedCount, 1);
    pair.settle();
    assert.equal(near.initiator.transactions.occupiedCount, 0);
  });

  it('the reply overtakes a flush that waits for the link: the flush is sent all the same', () => {
    const { pair, near, far, ticket } = handledOne();
    near.link.room = 0;
    cancel(near, ticket);
    far.transactions[0]?.complete();
    deliverFrom(pair, far);
    assert.deepEqual(near.namesSettled(), ['a OK done']);
    assert.equal(near.initiator.transactions.occupiedCount, 1);
    pair.giveRoom(near, 1);
    pair.settle();
    assert.equal(near.initiator.transactions.occupiedCount, 0);
    assert.equal(far.end, undefined);
  });

  it('twice, of nothing, of a stale ticket: false', () => {
    const { near, ticket } = handledOne();
    assert.equal(cancel(near, makeTicket(1, 0)), false);
    assert.equal(cancel(near, makeTicket(0, 1)), false);
    assert.equal(cancel(near, makeTicket(9, 0)), false);
    assert.equal(cancel(near, -1), false);
    assert.equal(cancel(near, ticket), true);
    assert.equal(cancel(near, ticket), false);
  });

  it('flushed as never started: CANCELLED never, and the slot is free', () => {
    const { near, ticket } = handledOne();
    cancel(near, ticket);
    inject(near, FrameType.Flushed, FlushOutcome.NeverStarted, ticket);
    assert.deepEqual(near.namesSettled(), ['a CANCELLED never']);
    assert.equal(near.initiator.transactions.occupiedCount, 0);
  });

  it('unanswered while a goodbye waits for the link: never beyond what the goodbye names', () => {
    const pair = new SessionPair(small);
    const { near } = pair;
    const tickets = [near.transact('a', one), near.transact('b', one)];
    near.link.room = 0;
    for (const ticket of tickets) cancel(near, ticket);
    inject(near, FrameType.Goodbye, 0, 1, 0);
    assert.deepEqual(near.settled, []);
    pair.runtime.advance(105);
    assert.deepEqual(near.namesSettled(), ['a CANCELLED maybe', 'b CANCELLED never']);
  });

  it('unanswered for flushMs: maybe; the slot stays taken until the late answer', () => {
    const { pair, near, far, ticket } = handledOne();
    cancel(near, ticket);
    pair.runtime.advance(99);
    assert.deepEqual(near.settled, []);
    pair.runtime.advance(6);
    assert.deepEqual(near.namesSettled(), ['a CANCELLED maybe']);
    assert.equal(near.initiator.transactions.occupiedCount, 1);
    far.transactions[0]?.complete();
    deliverFrom(pair, far);
    assert.equal(near.initiator.transactions.statistics.lateReplies, 1);
    assert.equal(near.initiator.transactions.occupiedCount, 1);
    pair.settle();
    assert.equal(near.initiator.transactions.occupiedCount, 0);
    assert.equal(near.settled.length, 1);
  });

  it('unanswered at the end of the epoch: CANCELLED, by the peer’s word', () => {
    for (const [handledThrough, execution] of [
      [0, 'never'],
      [1, 'maybe'],
    ] as const) {
      const { near, ticket } = handledOne();
      cancel(near, ticket);
      inject(near, FrameType.Goodbye, 0, handledThrough, 0);
      assert.deepEqual(near.namesSettled(), [`a CANCELLED ${execution}`]);
    }
  });
});

describe('frames that no legal peer sends', () => {
  for (const [what, type, flags] of [
    ['an answer to no flush', FrameType.Flushed, FlushOutcome.NeverStarted],
    ['an answer to no flush: started', FrameType.Flushed, FlushOutcome.Started],
    ['an answer to no flush: answered', FrameType.Flushed, FlushOutcome.Answered],
    ['a release of what was not flushed', FrameType.Released, 0],
  ] as const) {
    it(`${what}: corrupt, and what was pending settles as maybe`, () => {
      const { near, ticket } = handledOne();
      inject(near, type, flags, ticket);
      assert.equal(near.end?.reason, ErrorCode.Corrupt);
      assert.deepEqual(near.namesSettled(), ['a DISCONNECTED maybe']);
    });
  }

  it('an unknown outcome of a flush: corrupt', () => {
    const { near, ticket } = handledOne();
    cancel(near, ticket);
    inject(near, FrameType.Flushed, 3, ticket);
    assert.equal(near.end?.reason, ErrorCode.Corrupt);
  });

  it('a second reply: corrupt', () => {
    const { near, ticket } = handledOne();
    inject(near, FrameType.Reply, 0, ticket, 0);
    inject(near, FrameType.Reply, 0, ticket, 0);
    assert.equal(near.end?.reason, ErrorCode.Corrupt);
    assert.equal(near.settled.length, 1);
  });
});

describe('time limit', () => {
  it('starts at the end of the turn, is never early and at most a tick late', () => {
    const pair = new SessionPair(small);
    const { near, runtime } = pair;
    near.transact('a', one, 50);
    runtime.advance(30);
    near.endTurn();
    runtime.advance(50);
    assert.equal(near.link.sent.length, 1, 'no flush yet');
    runtime.advance(4);
    assert.equal(near.link.sent.length, 2);
    pair.settle();
    assert.deepEqual(near.namesSettled(), ['a TIMEOUT maybe']);
  });

  it('of a request that waits for the link in part: TIMEOUT never', () => {
    const pair = new SessionPair({ ...small, parameterBytes: 4000 });
    pair.near.link.room = 1;
    pair.near.transact('a', patternBytes(3000, 1), 50);
    pair.near.endTurn();
    pair.runtime.advance(60);
    assert.deepEqual(pair.near.namesSettled(), ['a TIMEOUT never']);
  });

  it('Infinity: no timer at all', () => {
    const pair = new SessionPair(small);
    pair.near.transact('a', one);
    pair.near.endTurn();
    assert.equal(pair.runtime.pendingCount, 0);
  });

  for (const timeoutMs of [-1, NaN, -Infinity]) {
    it(`of ${timeoutMs}: BAD_ARGUMENT, and nothing is submitted`, () => {
      const { near } = new SessionPair(small);
      assert.throws(() => near.transact('a', one, timeoutMs), { code: 'BAD_ARGUMENT' });
      assert.equal(near.link.sent.length, 0);
      assert.equal(near.initiator.transactions.unsettledCount, 0);
    });
  }

  it('of zero: at the next tick', () => {
    const pair = new SessionPair(small);
    pair.near.transact('a', one, 0);
    pair.near.endTurn();
    pair.runtime.advance(4);
    pair.settle();
    assert.deepEqual(pair.near.namesSettled(), ['a TIMEOUT maybe']);
  });

  it('each has its own, whatever the order; one timer serves them all', () => {
    const pair = new SessionPair({ ...small, transactions: 40 });
    const { near, runtime } = pair;
    for (let index = 0; index < 40; index++) {
      near.transact(String(index), one, 10 + ((index * 17) % 40) * 20);
    }
    near.endTurn();
    const passed = new Map<string, number>();
    for (let ms = 0; ms < 1000; ms++) {
      runtime.advance(1);
      pair.settle();
      for (const { name } of near.settled.splice(0)) passed.set(name, ms + 1);
    }
    assert.equal(passed.size, 40);
    for (const [name, ms] of passed) {
      const limitMs = 10 + ((Number(name) * 17) % 40) * 20;
      assert(ms >= limitMs && ms <= limitMs + 5, `${name}: ${ms} for ${limitMs}`);
    }
  });

  it('of a slot used again in the same turn: the newer one’s holds', () => {
    const pair = new SessionPair({ ...small, transactions: 1 });
    const { near, runtime } = pair;
    near.transact('a', one, 20);
    inject(near, FrameType.Reply, 0, makeTicket(0, 0), 0);
    near.transact('b', one, 500);
    near.endTurn();
    near.link.takeSent();
    runtime.advance(490);
    assert.deepEqual(near.link.takeSent(), [], 'no flush yet');
    runtime.advance(20);
    assert.equal(near.link.takeSent().at(-1)?.type, FrameType.Flush);
    assert.deepEqual(near.namesSettled(), ['a OK done']);
  });

  it('more submissions in a turn than there are slots: all are limited', () => {
    const pair = new SessionPair(small);
    const { near, runtime } = pair;
    for (let count = 0; count < 10; count++) {
      const ticket = near.transact('fast', one, 20);
      inject(near, FrameType.Reply, 0, ticket, 0);
    }
    near.transact('slow', one, 20);
    near.transact('slow, too', one, 20);
    near.endTurn();
    near.link.takeSent();
    runtime.advance(24);
    const flushes = near.link.takeSent();
    assert.deepEqual(
      flushes.map(({ type }) => type),
      [FrameType.Flush, FrameType.Flush],
    );
  });

  it('of what was submitted in this turn is not judged by one that runs out meanwhile', () => {
    const pair = new SessionPair(small);
    const { near, runtime } = pair;
    const first = near.transact('a', one, 20);
    near.endTurn();
    runtime.advance(19);
    near.transact('b', one, 1000);
    near.link.takeSent();
    runtime.advance(10);
    assert.deepEqual(
      near.link.takeSent().map((frame) => frame.first),
      [first],
    );
  });

  it('a stamp is asked for in each epoch, whatever the last one left', () => {
    const runtime = new VirtualRuntime();
    let asked = 0;
    const host = {
      runtime,
      wheel: new TimerWheel(runtime),
      flushMs: 10,
      stampSoon: () => asked++,
    };
    const owner = { sendFlush: () => undefined, takeBack: () => false, slotFreed: () => undefined };
    const slots = new TransactionSlots(host, owner, 2);
    for (const epoch of [1, 2, 3]) {
      slots.open(2);
      slots.occupy(1, () => undefined, undefined, 100);
      assert.equal(asked, epoch);
      slots.close(-1);
    }
  });

  it('a completion that submits again within its own timeout keeps the wheel going', () => {
    const pair = new SessionPair(small);
    const { near, runtime } = pair;
    let count = 0;
    const completion = (): void => {
      if (++count < 5) near.initiator.transact(one, completion, undefined, 20);
    };
    near.initiator.transact(one, completion, undefined, 20);
    for (let ms = 0; ms < 1000; ms++) {
      near.endTurn();
      runtime.advance(1);
      pair.settle();
      for (const transaction of pair.far.transactions.splice(0)) transaction.complete();
      pair.settle();
    }
    assert.equal(count, 5);
  });
});

describe('generations', () => {
  it('40,000 uses of one slot, wrap included: the last ticket is always stale', () => {
    const pair = new SessionPair({ ...small, transactions: 1 });
    const { near } = pair;
    let last = -1;
    let isWrapped = false;
    for (let use = 0; use < 40_000; use++) {
      const ticket = near.transact('a', one);
      assert.equal(ticket, makeTicket(0, use & generationMask));
      assert(ticket >= 0);
      assert.equal(near.initiator.transactions.sequenceOf(last), -1, 'the last one is stale');
      isWrapped ||= use > 0 && ticket === 0;
      last = ticket;
      near.link.sent.length = 0;
      inject(near, FrameType.Reply, 0, ticket, 0);
      assert.equal(near.end, undefined);
    }
    assert(isWrapped);
    assert.equal(near.settled.length, 40_000);
    inject(near, FrameType.Reply, 0, last, 0);
    assert.equal(near.end?.reason, ErrorCode.Corrupt, 'a stale reply never matches');
  });

  it('go on over epochs, so that a ticket of the last one is stale', () => {
    const pair = new SessionPair(small);
    const ticket = pair.near.transact('a', one);
    pair.near.session.linkDown('reset');
    pair.near.initiator.transactions.open(2);
    assert.equal(pair.near.initiator.transactions.sequenceOf(ticket), -1);
  });
});

describe('completions', () => {
  it('one that throws is reported as HANDLER_THREW, and everything else goes on', () => {
    const pair = new SessionPair(small);
    const { near, runtime } = pair;
    const thrown = new Error('mine');
    near.initiator.transact(
      one,
      () => {
        throw thrown;
      },
      undefined,
      Infinity,
    );
    near.transact('b', one);
    pair.settle();
    for (const transaction of pair.far.transactions) transaction.complete();
    pair.settle();
    assert.deepEqual(near.namesSettled(), ['b OK done']);
    assert.equal(runtime.crashes.length, 1);
    assert.match(runtime.crashes[0]?.message ?? '', /^HANDLER_THREW: .*completion.*mine/);
    assert.equal(runtime.crashes[0]?.cause, thrown);
  });

  it('find their own slot free, so that they can submit at once', () => {
    const pair = new SessionPair({ ...small, transactions: 1 });
    const { near } = pair;
    const tickets: number[] = [];
    const again = (): void => {
      if (tickets.length < 5) tickets.push(near.initiator.transact(one, again, undefined, 1000));
    };
    again();
    for (let round = 0; round < 5; round++) {
      pair.settle();
      pair.far.transactions.shift()?.complete();
      pair.settle();
    }
    assert.deepEqual(
      tickets,
      [0, 1, 2, 3, 4].map((generation) => makeTicket(0, generation)),
    );
  });

  it('counters say how transactions ended', () => {
    const { pair, near, far, ticket } = handledOne();
    near.transact('b', one);
    pair.settle();
    far.transactions[1]?.complete();
    cancel(near, ticket);
    pair.settle();
    const { submitted, settled, outcomes } = near.initiator.transactions.statistics;
    assert.deepEqual(
      { submitted, settled, outcomes },
      {
        submitted: 2,
        settled: 2,
        outcomes: { never: 0, maybe: 1, done: 1 },
      },
    );
  });
});
