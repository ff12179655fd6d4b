/** The engine's garbage collector, which shows what nobody holds any more. */
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Rig } from './rig.js';

/** Waits until everything that `references` lead to has been collected. */
export async function untilCollected(
  rig: Rig,
  references: readonly WeakRef<object>[],
): Promise<void> {
  const collect = exposeCollector();
  await rig.until('all is collected', () => {
    collect();
    return references.every((reference) => reference.deref() === undefined);
  });
}

function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  // The flag holds for contexts made after it, and `gc` is typed nowhere.
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  return () => {
    Reflect.apply(collect, undefined, []);
  };
}
