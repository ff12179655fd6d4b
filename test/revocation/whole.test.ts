/** The owner's bytes are whole at every instant, for another thread that reads them in place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { holdRegion, makeHost, makeRegion } from '../unit/ring-region-rig.js';
import { Sampler } from './sampler.js';
import { makeWord, partsOf, Tag } from './words.js';

const rounds = 80;
const regionBytes = 256 * 1024;

for (const access of ['read', 'readWrite'] as const) {
  test(`${rounds} times shared for ${access} and taken back under a reader`, async (context) => {
    const [host, holding] = [makeHost(), makeHost()];
    const region = makeRegion(host, regionBytes);
    const words = partsOf(region.bytes);
    for (const part of words) part.fill(makeWord(Tag.owner, 1));
    const sampler = new Sampler(host.native, region.bytes);
    /** The reader is at work when a step begins, and goes on after it. */
    const read = async (): Promise<void> => {
      const from = sampler.passes;
      while (sampler.passes < from + 2) await new Promise(setImmediate);
    };
    try {
      for (let round = 1; round <= rounds; round++) {
        await read();
        assert.equal(region.share(access), undefined);
        const held = holdRegion(holding, region, access);
        await read();
        region.revoke();
        await read();
        held.release();
        assert.equal(sampler.broken, 0, `round ${round}: word ${sampler.firstBroken}`);
      }
      context.diagnostic(`${sampler.passes} samples`);
    } finally {
      await sampler.stop();
      region.release();
    }
  });
}
