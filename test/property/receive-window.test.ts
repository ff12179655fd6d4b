/** The receive window against a list of what is open. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Endpoint } from '../../core/endpoint.js';
import type { ReceivedMessage } from '../../core/message.js';
import { makeQuota } from '../../core/quota.js';
import { ReceiveWindow } from '../../core/receive-window.js';
import { check } from './check.js';

class Model {
  readonly window: ReceiveWindow;
  readonly open: ReceivedMessage[] = [];
  #begun = 0;
  #owed = 0;
  readonly #granted: number;

  constructor(messages: number, granted: number) {
    const owner = {
      get endpoint(): Endpoint {
        return assert.fail('no endpoint here');
      },
      messageCompleted: (message: ReceivedMessage) => {
        this.window.complete(message);
      },
    };
    this.window = new ReceiveWindow(owner, makeQuota({ messages, messageBytes: 8 }));
    this.#granted = granted;
    this.window.open(granted);
  }

  receive(isGivenBack: boolean): void {
    const message = this.window.take();
    assert.equal(message === undefined, this.open.length === this.#granted);
    if (message === undefined) return;
    assert(!this.open.some(({ slot }) => slot === message.slot), 'a slot is lent once');
    if (isGivenBack) {
      this.window.giveBack(message);
      return;
    }
    this.#begun++;
    this.window.begin(message, this.#begun + 100, 8);
    assert.equal(message.ordinal, this.#begun);
    this.open.push(message);
  }

  complete(index: number): void {
    const [message] = this.open.splice(index % this.open.length, 1);
    if (message === undefined) return;
    message.complete();
    this.#owed++;
  }

  settle(): void {
    this.window.settleOwed();
    this.#owed = 0;
  }

  check(): void {
    const oldest = this.open[0]?.ordinal ?? this.#begun + 1;
    assert.equal(this.window.completedThrough, oldest - 1);
    assert.equal(this.window.openCount, this.open.length);
    assert.equal(this.window.owedCount, this.#owed);
  }
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('receive', 'receive', 'complete', 'complete', 'settle', 'give back'),
    index: fc.oneof(fc.nat(), fc.constant(-1)),
  }),
  { maxLength: 200 },
);

describe('receive window', () => {
  it('agrees with a list of what is open, in any order of completion', () => {
    check(
      fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), steps),
      ([messages, granted, all]) => {
        const model = new Model(Math.max(messages, granted), granted);
        for (const { kind, index } of all) {
          if (kind === 'settle') model.settle();
          // -1: the newest, so that an old one is held for long.
          else if (kind === 'complete') model.complete(index < 0 ? model.open.length - 1 : index);
          else model.receive(kind === 'give back');
          model.check();
        }
      },
    );
  });

  it('the bodies of open messages do not overlap', () => {
    const { window } = new Model(5, 5);
    const places = new Set<number>();
    for (let message = window.take(); message !== undefined; message = window.take()) {
      assert.equal(message.bytes, window.pool.bytes);
      assert(message.offset % 4 === 0 && message.offset + 8 <= window.pool.bytes.length);
      places.add(message.offset);
    }
    assert.equal(places.size, 5);
    assert([...places].every((offset) => !places.has(offset + 4)));
  });

  it('an epoch begins with everything free and nothing owed', () => {
    const model = new Model(4, 4);
    for (let count = 0; count < 4; count++) model.receive(false);
    model.complete(2);
    model.window.open(2);
    assert.equal(model.window.completedThrough, 0);
    assert.equal(model.window.owedCount, 0);
    assert.equal(model.window.openCount, 0);
    assert(model.window.take() !== undefined && model.window.take() !== undefined);
    assert.equal(model.window.take(), undefined);
  });
});
