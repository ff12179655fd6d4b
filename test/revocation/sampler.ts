/**
 * Sampler: a thread of the owner's process that reads the owner's bytes all the time, at their
 * address, and counts the words that nobody wrote.
 */
import { Worker } from 'node:worker_threads';

import type { Native } from '../../transports/ring/native.js';

export interface SamplerData {
  readonly address: bigint;
  readonly byteLength: number;
  readonly words: SharedArrayBuffer;
}

/** Words shared with the thread. */
export const Count = { Stop: 0, Broken: 1, Passes: 2, FirstBroken: 3 } as const;

export class Sampler {
  readonly #words = new Int32Array(new SharedArrayBuffer(16));
  readonly #worker: Worker;

  constructor(native: Native, bytes: Uint8Array) {
    const address = native.addressOf(bytes);
    const { byteLength } = bytes;
    const workerData: SamplerData = { address, byteLength, words: this.#words.buffer };
    this.#worker = new Worker(new URL('sampler-thread.js', import.meta.url), { workerData });
  }

  get broken(): number {
    return Atomics.load(this.#words, Count.Broken);
  }

  get firstBroken(): string {
    return (Atomics.load(this.#words, Count.FirstBroken) >>> 0).toString(16);
  }

  get passes(): number {
    return Atomics.load(this.#words, Count.Passes);
  }

  /** Answers when nobody reads the bytes any more. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    Atomics.store(this.#words, Count.Stop, 1);
    await ended;
  }
}
