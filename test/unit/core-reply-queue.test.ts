/** The queue of owed answers: order, copies, and its reserved space. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReplyKind, ReplyQueue } from '../../core/reply-queue.js';
import { between, createRandom, seedOfThisRun } from '../compliance/random.js';
import { patternBytes } from './fake-link.js';

describe('reply queue', () => {
  it('keeps what it was given, in order, as it was then', () => {
    const queue = new ReplyQueue(3, 10);
    const status = patternBytes(10, 1);
    queue.pushReply(2, 1, -5, status);
    queue.push(ReplyKind.Released, 0);
    queue.pushReply(1, 0, 7, [patternBytes(2, 2), patternBytes(3, 3)]);
    status.fill(0);
    assert.deepEqual([queue.firstKind, queue.firstSlot], [ReplyKind.Reply, 2]);
    assert.deepEqual([queue.flagsOf(2), queue.codeOf(2)], [1, -5]);
    assert.deepEqual(queue.statusOf(2), patternBytes(10, 1));
    queue.shift();
    assert.deepEqual([queue.firstKind, queue.firstSlot], [ReplyKind.Released, 0]);
    queue.shift();
    const joined = Buffer.concat([patternBytes(2, 2), patternBytes(3, 3)]);
    assert.deepEqual(Buffer.from(queue.statusOf(1)), joined);
    queue.shift();
    assert(queue.isEmpty);
  });

  it('isOwed: from the first thing pushed for a slot until the last one is shifted', () => {
    const queue = new ReplyQueue(2, 4);
    queue.pushReply(1, 0, 0, patternBytes(1, 1));
    queue.push(ReplyKind.FlushedAnswered, 1);
    const seen = [queue.isOwed(1), queue.isOwed(0)];
    queue.shift();
    seen.push(queue.isOwed(1));
    queue.shift();
    seen.push(queue.isOwed(1));
    assert.deepEqual(seen, [true, false, true, false]);
  });

  it('has room for every kind of every slot, and asserts beyond', () => {
    const queue = new ReplyQueue(3, 0);
    for (let slot = 0; slot < 3; slot++) {
      for (const kind of Object.values(ReplyKind)) queue.push(kind, slot);
    }
    assert.throws(() => {
      queue.push(ReplyKind.Reply, 0);
    }, /each kind once at most/);
  });

  it('reset: nothing is owed', () => {
    const queue = new ReplyQueue(1, 4);
    queue.pushReply(0, 0, 0, patternBytes(4, 4));
    queue.reset();
    assert.deepEqual([queue.isEmpty, queue.isOwed(0)], [true, false]);
  });

  it('agrees with an array over 20,000 random steps', () => {
    const seed = seedOfThisRun();
    const random = createRandom(seed);
    const slotCount = 5;
    const queue = new ReplyQueue(slotCount, 8);
    const model: { readonly kind: number; readonly slot: number }[] = [];
    const kinds = Object.values(ReplyKind);
    for (let step = 0; step < 20_000; step++) {
      const slot = between(random, 0, slotCount - 1);
      const kind = kinds[random() & 3] ?? ReplyKind.Reply;
      const isOwed = model.some((entry) => entry.kind === kind && entry.slot === slot);
      if (random() % 2 === 0 && !isOwed) {
        queue.push(kind, slot);
        model.push({ kind, slot });
      } else if (model.length > 0) {
        const first = { kind: queue.firstKind, slot: queue.firstSlot };
        assert.deepEqual(first, model.shift(), `IDC_SEED=${seed}, step ${step}`);
        queue.shift();
      }
      assert.equal(queue.isEmpty, model.length === 0);
      assert.equal(
        queue.isOwed(slot),
        model.some((entry) => entry.slot === slot),
      );
    }
  });
});
