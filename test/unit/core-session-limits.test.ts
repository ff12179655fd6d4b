/** A session whose peer says nothing more, or whose link takes nothing for a while. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import { FrameType } from '../../core/frame.js';
import { makeQuota } from '../../core/quota.js';
import { patternBytes, readFrame } from './fake-link.js';
import { PairEnd, SessionPair } from './session-pair.js';
import { VirtualRuntime } from './virtual-runtime.js';

const identity = { kind: 'unproven', name: '', origin: 'test' } as const;

function ignore(): void {
  // Nothing is decided here.
}

function makeGreeting(): { end: PairEnd; runtime: VirtualRuntime } {
  const runtime = new VirtualRuntime();
  const end = new PairEnd(runtime, makeQuota({ messages: 1, transactions: 1 }), 1024);
  end.session.linkUp(identity);
  return { end, runtime };
}

function reasonOf(end: PairEnd): ErrorCode | undefined {
  return end.end?.reason;
}

describe('a peer that says nothing more', () => {
  it('in its greeting: TIMEOUT at the limit, and the link is closed', () => {
    const { end, runtime } = makeGreeting();
    end.session.limitGreeting(100);
    runtime.advance(99);
    assert.equal(reasonOf(end), undefined);
    runtime.advance(10);
    assert.equal(reasonOf(end), ErrorCode.Timeout);
    assert.ok(end.link.isClosed);
  });

  it('when this side leaves: the epoch ends at the limit, as what it was left for', () => {
    const { near, runtime } = new SessionPair({});
    near.transact('asked', patternBytes(1, 1));
    near.session.leave(ErrorCode.Destroyed, true, 100);
    runtime.advance(99);
    assert.equal(reasonOf(near), undefined);
    runtime.advance(10);
    assert.equal(reasonOf(near), ErrorCode.Destroyed);
    assert.deepEqual(near.namesSettled(), ['asked DISCONNECTED maybe']);
    assert.equal(runtime.pendingCount, 0);
  });
});

describe('a link that takes nothing', () => {
  it('owes the word of the handshake, and says it as soon as it can, once', () => {
    const { end } = makeGreeting();
    end.link.room = 0;
    end.session.sendReady(7);
    assert.equal(end.link.sent.length, 0);
    end.link.room = Infinity;
    end.session.writable();
    end.session.writable();
    const [ready, ...others] = end.link.sent.map(readFrame);
    assert.deepEqual([ready?.type, ready?.first, others.length], [FrameType.Ready, 7, 0]);
  });
});

describe('a link that takes no confirmation', () => {
  it('has its owner asked again when it does, until it was said', () => {
    const { end } = makeGreeting();
    const { session, link } = end;
    const asked: number[] = [];
    session.owner = {
      sessionUp: ignore,
      sessionGreeted: ignore,
      sessionReady: ignore,
      sessionConfirmed: ignore,
      sessionSummoned: ignore,
      sessionEnded: ignore,
      sessionClosed: ignore,
      sessionAccepted: (_, epoch) => {
        asked.push(epoch);
        session.confirm(epoch);
      },
    };
    link.room = 0;
    assert.equal(session.confirm(5), false);
    session.writable();
    link.room = 1;
    session.writable();
    session.writable();
    assert.deepEqual(asked, [5, 5]);
    const [confirm, ...others] = link.sent.map(readFrame);
    assert.deepEqual([confirm?.type, confirm?.first, others.length], [FrameType.Confirm, 5, 0]);
  });
});

describe('a goodbye', () => {
  it('that was said: what arrives after it is handed to nobody, and ends as never', () => {
    const pair = new SessionPair({});
    const { near, far } = pair;
    near.transact('late', patternBytes(1, 1));
    far.session.leave(ErrorCode.Destroyed, true, 100);
    pair.settle();
    assert.equal(far.transactions.length, 0);
    assert.deepEqual(near.namesSettled(), ['late DISCONNECTED never']);
    assert.equal(reasonOf(far), ErrorCode.Destroyed);
  });
});
