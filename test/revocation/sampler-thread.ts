/** The thread of `sampler.ts`. */
import { workerData } from 'node:worker_threads';

import { requireNative } from '../unit/ring-memory-rig.js';
import { Count, type SamplerData } from './sampler.js';
import { isMixtureOf, partsOf } from './words.js';

const { address, byteLength, words: shared } = workerData as SamplerData; // the parent made it
const words = new Int32Array(shared);
const parts = partsOf(new Uint8Array(requireNative().view(address, byteLength)));

function look(seen: Int32Array, part: number, from: number): void {
  for (let index = from; index < seen.length; index += 16) {
    const word = seen[index] ?? 0;
    if (isMixtureOf(part, word)) continue;
    if (Atomics.add(words, Count.Broken, 1) === 0) Atomics.store(words, Count.FirstBroken, word);
  }
}

// One word of each cache line at a time, so that a pass is short and sees all of one moment.
for (let from = 0; Atomics.load(words, Count.Stop) === 0; from = (from + 1) & 15) {
  for (const [part, seen] of parts.entries()) look(seen, part, from);
  Atomics.add(words, Count.Passes, 1);
}
