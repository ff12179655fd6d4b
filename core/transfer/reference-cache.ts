/**
 * VerifiedReferences: what an owner remembers of references whose code was right, so that one that
 * is seen again is not verified again.
 *
 * It is a table of fixed size; a reference that finds its places taken drives one out, which merely
 * costs time. Where a reference may lie depends on its code and on two random numbers, so nobody
 * can aim at another's place. Whether it is the same is decided over all its bytes, and in a time
 * that does not depend on where they differ.
 */
import { isSameSecret } from '../digest.js';
import type { ReferenceFields } from './reference-layout.js';
import type { Registration } from './registration.js';

const setCount = 256;
const placesPerSet = 4;

/** A reference that the owner made, or that somebody narrowed from one. */
export interface VerifiedReference {
  readonly fields: ReferenceFields;
  /** What it names, which may be over; undefined if it was over already when it was verified. */
  readonly registration: Registration | undefined;
}

interface Place {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly verified: VerifiedReference;
}

export class VerifiedReferences {
  readonly #oneSeed: number;
  readonly #otherSeed: number;
  readonly #places: (Place | undefined)[] = new Array<undefined>(setCount * placesPerSet);
  /** Which place of a set is taken next. */
  readonly #turns = new Uint8Array(setCount);

  /** Unpredictable words. */
  constructor(oneSeed: number, otherSeed: number) {
    this.#oneSeed = oneSeed | 1;
    this.#otherSeed = otherSeed | 1;
  }

  /** HOT */
  find(encoded: Uint8Array): VerifiedReference | undefined {
    const tag = this.#tagOf(encoded);
    const first = (tag & (setCount - 1)) * placesPerSet;
    for (let index = first; index < first + placesPerSet; index++) {
      const place = this.#places[index];
      if (place?.tag === tag && isSameSecret(place.bytes, encoded)) return place.verified;
    }
    return undefined;
  }

  /** Remembers a copy. */
  add(encoded: Uint8Array, verified: VerifiedReference): void {
    const tag = this.#tagOf(encoded);
    const set = tag & (setCount - 1);
    const turn = this.#turns[set] ?? 0;
    this.#turns[set] = (turn + 1) % placesPerSet;
    const bytes = new Uint8Array(encoded);
    this.#places[set * placesPerSet + turn] = { tag, bytes, verified };
  }

  /** Of the last 8 bytes, which are the end of the code. */
  #tagOf(encoded: Uint8Array): number {
    const one = wordBefore(encoded, encoded.length - 4);
    const other = wordBefore(encoded, encoded.length);
    const mixed = Math.imul(one ^ this.#otherSeed, this.#oneSeed) + other;
    const spread = Math.imul(mixed ^ (mixed >>> 15), this.#otherSeed);
    return spread ^ (spread >>> 13);
  }
}

function wordBefore(bytes: Uint8Array, end: number): number {
  return (
    (bytes[end - 4] ?? 0) |
    ((bytes[end - 3] ?? 0) << 8) |
    ((bytes[end - 2] ?? 0) << 16) |
    ((bytes[end - 1] ?? 0) << 24)
  );
}
