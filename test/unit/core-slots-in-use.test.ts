/** Slots between two uses: who waits for one, what it still owes, and what its next use sees. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import { FrameType, headWord, makeTicket } from '../../core/frame.js';
import { makeFrame, patternBytes } from './fake-link.js';
import { outcomesOf } from './outcomes-of.js';
import { SessionPair, type PairEnd } from './session-pair.js';

const epochTag = 1;

function injectRequest(end: PairEnd, sequence: number, ticket: number): void {
  const head = headWord(FrameType.Request, 0, epochTag);
  const { bytes } = makeFrame([head, sequence, ticket], patternBytes(3, 3));
  end.session.frame(bytes, 0, bytes.length);
}

function reasonOf(end: PairEnd): ErrorCode | undefined {
  return end.end?.reason;
}

describe('a transaction slot', () => {
  it('that becomes free serves who waits for one', async () => {
    const pair = new SessionPair({ transactions: 1 });
    const { near, far } = pair;
    near.transact('first', patternBytes(1, 1));
    const waits = [near.initiator.whenWritable({ kind: 'transaction', byteLength: 1 })];
    pair.settle();
    assert.deepEqual(await outcomesOf(waits), ['waits']);
    far.transactions[0]?.complete();
    pair.settle();
    assert.deepEqual(await outcomesOf(waits), ['resolved']);
  });

  it('whose reply is being sent in fragments is not free: another request is corrupt', () => {
    const { far } = new SessionPair({ transactions: 2, statusBytes: 5000 });
    injectRequest(far, 1, makeTicket(0, 0));
    far.link.room = 1;
    far.transactions[0]?.complete(patternBytes(5000, 5));
    injectRequest(far, 2, makeTicket(1, 0));
    assert.equal(reasonOf(far), undefined);
    injectRequest(far, 3, makeTicket(0, 1));
    assert.equal(reasonOf(far), ErrorCode.Corrupt);
  });
});

describe('a message slot', () => {
  it('that is used again shows the body of its new message', () => {
    const pair = new SessionPair({ messages: 1 });
    const { near, far } = pair;
    for (const byteLength of [5, 3, 9]) {
      near.initiator.submitMessage(patternBytes(byteLength, byteLength));
      pair.settle();
      const message = far.messages.shift();
      assert.deepEqual(message?.body, patternBytes(byteLength, byteLength));
      message.complete();
      pair.settle();
    }
  });
});
