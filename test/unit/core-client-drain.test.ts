/** The drain of a client lasts as long as everything that it asked to be waited for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientDrain } from '../../core/client-drain.js';
import { outcomesOf } from './outcomes-of.js';
import { VirtualRuntime } from './virtual-runtime.js';

test('drain: the last of several promises ends it, in whatever order they settle', async () => {
  let doneCount = 0;
  const drain = new ClientDrain(new VirtualRuntime(), () => {
    doneCount++;
  });
  const releases: (() => void)[] = [];
  const held = [0, 1, 2].map(() => new Promise<void>((resolve) => releases.push(resolve)));
  drain.start(
    () => held,
    () => undefined,
  );
  for (const index of [1, 2, 0]) {
    assert.ok(drain.isPending);
    assert.equal(doneCount, 0);
    releases[index]?.();
    await outcomesOf(held);
  }
  assert.ok(!drain.isPending);
  assert.equal(doneCount, 1);
});
