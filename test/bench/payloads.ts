/**
 * Payloads: bodies made before the measurement, so that the bench itself allocates nothing in it.
 *
 * There are many of them, each in memory of its own: a single view that is sent again and again
 * stays in the nearest cache and flatters whoever is measured. All bytes are 0.
 */

/** Marsaglia's xorshift32, so that every run sends the same lengths. */
function* uint32s(seed: number): Generator<number, never> {
  let word = seed;
  for (;;) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    yield word >>> 0;
  }
}

export class Payloads {
  readonly #bodies: readonly Uint8Array[];
  readonly #mask: number;
  #index = 0;

  /** `bodies` is a power of two of them. */
  private constructor(bodies: readonly Uint8Array[]) {
    this.#bodies = bodies;
    this.#mask = bodies.length - 1;
  }

  static equal(count: number, byteLength: number): Payloads {
    return new Payloads(Array.from({ length: count }, () => new Uint8Array(byteLength)));
  }

  /** Lengths from 1 to `byteLengthMax`. */
  static random(count: number, byteLengthMax: number): Payloads {
    const words = uint32s(0x1dc);
    const nextLength = (): number => 1 + (words.next().value % byteLengthMax);
    return new Payloads(Array.from({ length: count }, () => new Uint8Array(nextLength())));
  }

  next(): Uint8Array {
    this.#index = (this.#index + 1) & this.#mask;
    return this.#bodies[this.#index]!; // The mask keeps the index below the length.
  }
}
