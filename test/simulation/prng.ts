/**
 * Random: the one source of chance in a simulation (sfc32 by Chris Doty-Humphrey).
 *
 * `fork` derives a generator from this one's seed and a label, not from how much was drawn already.
 * So what one part of a world draws never shifts what another one draws, and a run with one kind of
 * fault less is still nearly the same run: that is what makes shrinking work.
 */
import type { Prng } from '../../core/runtime.js';

export class Random implements Prng {
  readonly #seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#a = this.#seed;
    this.#b = mix(this.#seed ^ 0x9e37_79b9);
    this.#c = mix(this.#b ^ 0x85eb_ca6b);
    for (let round = 0; round < 12; round++) this.next();
  }

  /** An independent generator; the same label always gives the same one. */
  fork(label: string): Random {
    let hash = this.#seed ^ 0x811c_9dc5;
    for (let index = 0; index < label.length; index++) {
      hash = Math.imul(hash ^ label.charCodeAt(index), 0x0100_0193);
    }
    return new Random(mix(hash));
  }

  /** A uint32. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** An integer in [least, most]. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** True with the given probability. Draws even if the answer is certain, to keep the order. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of the list, which is not empty. */
  pick<T>(list: readonly T[]): T {
    // reason: the index is inside the list, and T may include undefined itself
    return list[this.between(0, list.length - 1)] as T;
  }

  fill(target: Uint8Array): void {
    for (let index = 0; index < target.length; index++) target[index] = this.next() & 0xff;
  }
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
