/** A promise that notices who waits for it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DestroyPromise } from '../../core/destroy-promise.js';

function create(): { promise: DestroyPromise; resolve: () => void; counts: () => number } {
  let resolvePromise = (): void => undefined;
  let thens = 0;
  const promise = DestroyPromise.make(
    (resolve) => {
      resolvePromise = resolve;
    },
    () => {
      thens++;
    },
  );
  return {
    promise,
    resolve: () => {
      resolvePromise();
    },
    counts: () => thens,
  };
}

describe('destroy promise', () => {
  it('is a promise that resolves to nothing', async () => {
    const { promise, resolve } = create();
    assert(promise instanceof Promise);
    resolve();
    const values: unknown[] = [];
    await promise.then((value) => values.push(value));
    assert.deepEqual(values, [undefined]);
  });

  it('nobody waits: nobody is noticed', () => {
    const { resolve, counts } = create();
    resolve();
    assert.equal(counts(), 0);
  });

  it('then, catch, finally, await, all and race are noticed, once each at least', async () => {
    const { promise, resolve, counts } = create();
    const ways: readonly (() => Promise<unknown>)[] = [
      () => promise.then(() => 1),
      () => promise.catch(() => 1),
      () => promise.finally(() => 1),
      async () => {
        await promise;
      },
      () => Promise.all([promise]),
      () => Promise.race([promise]),
      () => Promise.resolve().then(() => promise),
    ];
    const waits: Promise<unknown>[] = [];
    for (const way of ways) {
      const before = counts();
      waits.push(way());
      await new Promise(setImmediate);
      assert(counts() > before, String(way));
    }
    resolve();
    await Promise.all(waits);
  });

  it('what `then` answers is an ordinary promise', () => {
    const { promise, counts } = create();
    const after = promise.then(() => 1);
    assert(!(after instanceof DestroyPromise));
    void after.then(() => 2);
    assert.equal(counts(), 1);
  });
});
