/** Waiters for room and for flushes: order, chances, and ordinals at the wrap. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sequenceMask } from '../../core/frame.js';
import { WritableWaiters } from '../../core/writable-waiters.js';
import { VirtualRuntime } from './virtual-runtime.js';

const request = { kind: 'message', byteLength: 1 } as const;

async function microtasks(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
}

/** Waiters for a store that holds `room` items. */
class Store {
  readonly runtime = new VirtualRuntime();
  readonly waiters: WritableWaiters = new WritableWaiters(this.runtime, () => this.room > 0);
  readonly served: string[] = [];
  room = 0;

  async wait(name: string): Promise<void> {
    await this.waiters.waitWritable(request);
    assert(this.room > 0, `${name} has room`);
    this.room--;
    this.served.push(name);
  }

  /** Lets everything that is due happen, microtasks before tasks as in the event loop. */
  async turn(): Promise<void> {
    await microtasks();
    while (this.runtime.runOne()) await microtasks();
  }
}

describe('waiting for room', () => {
  it('one freed place serves one waiter, the first', async () => {
    const store = new Store();
    const all = ['a', 'b', 'c'].map((name) => store.wait(name));
    for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
      store.room = 1;
      // Asked twice before the served one had its turn, as when two credits come in one turn.
      store.waiters.serve();
      store.waiters.serve();
      await store.turn();
      assert.deepEqual(store.served, expected);
    }
    await Promise.all(all);
    assert.equal(store.waiters.count, 0);
  });

  it('several freed places serve as many waiters, one after the other', async () => {
    const store = new Store();
    const all = ['a', 'b', 'c', 'd'].map((name) => store.wait(name));
    store.room = 3;
    store.waiters.serve();
    store.waiters.serve();
    await store.turn();
    assert.deepEqual(store.served, ['a', 'b', 'c']);
    store.room = 1;
    store.waiters.serve();
    await store.turn();
    await Promise.all(all);
    assert.deepEqual(store.served, ['a', 'b', 'c', 'd']);
  });

  it('a newcomer does not overtake, even if there is room by then', async () => {
    const store = new Store();
    const first = store.wait('first');
    store.room = 2;
    const second = store.wait('second');
    await store.turn();
    assert.deepEqual(store.served, []);
    store.waiters.serve();
    await store.turn();
    await Promise.all([first, second]);
    assert.deepEqual(store.served, ['first', 'second']);
  });

  it('a served one that submits nothing leaves its room to the next', async () => {
    const store = new Store();
    const idle = store.waiters.waitWritable(request);
    const busy = store.wait('busy');
    store.room = 1;
    store.waiters.serve();
    await store.turn();
    await Promise.all([idle, busy]);
    assert.deepEqual(store.served, ['busy']);
  });

  it('rejectAll: all are told, room as never and flushes as maybe', async () => {
    const store = new Store();
    const room = store.waiters.waitWritable(request);
    const flush = store.waiters.waitFlushed(1, 0);
    assert.equal(store.waiters.count, 2);
    store.waiters.rejectAll('DISCONNECTED');
    assert.equal(store.waiters.count, 0);
    await assert.rejects(room, { code: 'DISCONNECTED', execution: 'never' });
    await assert.rejects(flush, { code: 'DISCONNECTED', execution: 'maybe' });
  });
});

describe('waiting for a flush', () => {
  for (const start of [0, sequenceMask - 2]) {
    it(`each is served at its own ordinal, from ${start} on`, async () => {
      const { waiters } = new Store();
      const at = (offset: number): number => (start + offset) & sequenceMask;
      const served: number[] = [];
      const all = [1, 2, 3, 5].map((offset) =>
        waiters.waitFlushed(at(offset), at(0)).then(() => served.push(offset)),
      );
      const seen: number[] = [];
      for (let offset = 0; offset <= 5; offset++) {
        waiters.serveFlushed(at(offset));
        await microtasks();
        seen.push(served.length);
      }
      await Promise.all(all);
      assert.deepEqual(seen, [0, 1, 2, 3, 3, 4]);
      await waiters.waitFlushed(at(5), at(5));
      await waiters.waitFlushed(at(4), at(5));
    });
  }
});
