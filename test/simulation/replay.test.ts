/** A failure can be had again: by its seed, and by the command that is printed. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseOptions } from './options.js';
import { runSeed } from './run.js';
import { commandOf, shrink } from './shrink.js';
import type { World } from './world.js';

/** Takes something harmless for a failure: that somebody reconnects. */
function dislikeReconnects(world: World): void {
  world.always(() => {
    const again = world.watchRoom.watches.find((watch) => watch.epoch > 1);
    if (again !== undefined) world.fail(`${again.name} is in epoch ${again.epoch}`);
  });
}

it('a failure is found, made smaller, and had again by the command that is printed', async () => {
  let seed = 1;
  let found = await runSeed(seed, {}, 40, dislikeReconnects);
  while (found.failure === undefined) {
    found = await runSeed((seed += 1), {}, 40, dislikeReconnects);
  }
  const shortest = await shrink(found, dislikeReconnects);
  const lineCountOf = (digest: string): number => Number.parseInt(digest, 10);
  assert.ok(lineCountOf(shortest.traceDigest) <= lineCountOf(found.traceDigest));
  assert.notDeepEqual(shortest.variant, {});

  const words = commandOf(shortest).split(' -- ')[1]?.split(' ') ?? [];
  const options = parseOptions(words, () => assert.fail('the command names its seed'));
  assert.ok(options?.isReplay);
  const again = await runSeed(options.firstSeed, options.variant, 40, dislikeReconnects);
  assert.match(again.failure ?? '', /is in epoch/u);
  assert.equal(again.traceDigest, shortest.traceDigest);
  assert.match(again.trace.at(-1) ?? '', /FAILURE/u);
});
