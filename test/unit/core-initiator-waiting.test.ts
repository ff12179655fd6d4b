/** Waiting on an initiator: for room to submit, and for messages to be completed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from '../../core/api.js';
import { patternBytes } from './fake-link.js';
import { outcomesOf } from './outcomes-of.js';
import { SessionPair } from './session-pair.js';

const small = { messages: 3, messageBytes: 4000, transactions: 2, parameterBytes: 4000 } as const;

describe('whenWritable', () => {
  it('at once if it is writable', async () => {
    const { near } = new SessionPair(small);
    await near.initiator.whenWritable({ kind: 'message', byteLength: 4000 });
    await near.initiator.whenWritable({ kind: 'transaction', byteLength: 4000 });
    assert.equal(near.link.sent.length, 0);
  });

  it('in order: nobody overtakes, and each is served only once there is room for it', async () => {
    const pair = new SessionPair({ ...small, messages: 1 });
    const { near, runtime } = pair;
    near.initiator.submitMessage(patternBytes(1, 1));
    const order: string[] = [];
    const submit = async (name: string): Promise<void> => {
      await near.initiator.whenWritable({ kind: 'message', byteLength: 1 });
      order.push(name);
      assert(near.initiator.submitMessage(patternBytes(1, 1)) > 0, 'there is room');
    };
    const all = ['a', 'b', 'c'].map(submit);
    for (let round = 0; round < 3; round++) {
      assert.equal(order.length, round);
      pair.settle();
      pair.far.messages.shift()?.complete();
      pair.settle();
      await outcomesOf([]);
      runtime.advance(0);
    }
    await Promise.all(all);
    assert.deepEqual(order, ['a', 'b', 'c']);
  });

  it('TOO_LARGE, NOT_CONNECTED after an epoch, DESTROYED after destroy', async () => {
    const { near } = new SessionPair({ ...small, messageBytes: 10, parameterBytes: 20 });
    const { initiator } = near;
    const expect = async (kind: 'message' | 'transaction', byteLength: number, code: string) =>
      assert.rejects(initiator.whenWritable({ kind, byteLength }), { code, execution: 'never' });
    await expect('message', 11, 'TOO_LARGE');
    await expect('transaction', 21, 'TOO_LARGE');
    near.session.linkDown('reset');
    await expect('message', 1, 'NOT_CONNECTED');
    initiator.stop(Refusal.Destroyed);
    await expect('message', 1, 'DESTROYED');
  });

  it('rejects with DISCONNECTED when the epoch ends first', async () => {
    const { near } = new SessionPair(small);
    near.link.room = 0;
    const waits = [1, 2, 3].map(() =>
      near.initiator.whenWritable({ kind: 'message', byteLength: 1 }),
    );
    near.session.linkDown('reset');
    assert.deepEqual(
      (await outcomesOf(waits)).map((text) => text.slice(0, 31)),
      Array<string>(3).fill('IdcError: DISCONNECTED (never):'),
    );
  });
});

describe('whenFlushed', () => {
  it('at once if nothing is outstanding', async () => {
    const { near } = new SessionPair(small);
    await near.initiator.whenFlushed();
  });

  it('means the messages submitted before it: all of them, no later ones', async () => {
    const pair = new SessionPair({ ...small, messages: 8 });
    const { near, far } = pair;
    const flushes: Promise<void>[] = [];
    for (let count = 0; count < 4; count++) {
      near.initiator.submitMessage(patternBytes(1, count));
      flushes.push(near.initiator.whenFlushed());
    }
    pair.settle();
    const seen: string[] = [];
    for (const index of [2, 0, 3, 1]) {
      far.messages[index]?.complete();
      pair.settle();
      const outcomes = await outcomesOf(flushes);
      seen.push(outcomes.map((outcome) => outcome.slice(0, 1)).join(''));
    }
    assert.deepEqual(seen, ['wwww', 'rwww', 'rwww', 'rrrr']);
  });

  it('holds for a message that others overtook long ago', async () => {
    const pair = new SessionPair(small);
    const { near, far } = pair;
    near.initiator.submitMessage(patternBytes(1, 0));
    const flush = near.initiator.whenFlushed();
    pair.settle();
    const held = far.messages.shift();
    for (let count = 0; count < 20; count++) {
      assert(near.initiator.submitMessage(patternBytes(1, 0)) > 0);
      pair.settle();
      far.messages.shift()?.complete();
      pair.settle();
      assert.deepEqual(await outcomesOf([flush]), ['waits']);
    }
    held?.complete();
    pair.settle();
    assert.deepEqual(await outcomesOf([flush]), ['resolved']);
  });

  it('rejects with DISCONNECTED when the epoch ends first: maybe', async () => {
    const { near } = new SessionPair(small);
    near.initiator.submitMessage(patternBytes(1, 0));
    const flush = near.initiator.whenFlushed();
    near.session.linkDown('reset');
    await assert.rejects(flush, { code: 'DISCONNECTED', execution: 'maybe' });
    await assert.rejects(near.initiator.whenFlushed(), { code: 'NOT_CONNECTED' });
  });
});
