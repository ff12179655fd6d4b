/**
 * ByteWalk: goes once through the parts of a source or a target, in stretches that lie in one part.
 *
 * It holds the parts only from `start` until it is through or told to `stop`, so that nothing of a
 * lane keeps a client's memory alive.
 */
import { assert } from '../../core/assert.js';
import type { LaneBytes } from '../../core/bulk-lane.js';

const nothing: readonly Uint8Array[] = [];

/** Total number of bytes. */
export function byteLengthOf(bytes: LaneBytes): number {
  if (bytes instanceof Uint8Array) return bytes.byteLength;
  let sum = 0;
  for (const part of bytes) sum += part.byteLength;
  return sum;
}

export class ByteWalk {
  /** What is not walked through yet. */
  leftBytes = 0;
  #parts: LaneBytes = nothing;
  /** Where it stands, if there is a list. */
  #index = 0;
  /** Into the part where it stands. */
  #offset = 0;

  start(bytes: LaneBytes, byteLength: number): void {
    assert(this.leftBytes === 0, 'one walk at a time');
    this.leftBytes = byteLength;
    this.#parts = byteLength === 0 ? nothing : bytes;
    this.#index = 0;
    this.#offset = 0;
  }

  /** How many of the next bytes lie together. */
  get stretchBytes(): number {
    return this.leftBytes === 0 ? 0 : this.#part().byteLength - this.#offset;
  }

  /** The next bytes as far as they lie together, at least one and at most `byteLengthMax`. */
  // HOT: one view for each read or write.
  peek(byteLengthMax: number): Uint8Array {
    const part = this.#part();
    const start = this.#offset;
    const end = Math.min(part.byteLength, start + byteLengthMax);
    assert(start < end, 'memory that a lane uses keeps its length', 'BAD_ARGUMENT');
    return start === 0 && end === part.byteLength ? part : part.subarray(start, end);
  }

  /** Goes on by no more than the last `peek` answered. */
  // HOT:
  advance(byteLength: number): void {
    this.#offset += byteLength;
    this.leftBytes -= byteLength;
    assert(this.leftBytes >= 0, 'a walk ends where its bytes end');
    if (this.leftBytes === 0) this.#parts = nothing;
  }

  /** Copies the next bytes from `source`; there are as many left. */
  fill(source: Uint8Array): void {
    let start = 0;
    while (start < source.byteLength) {
      const stretch = this.peek(source.byteLength - start);
      stretch.set(source.subarray(start, start + stretch.byteLength));
      this.advance(stretch.byteLength);
      start += stretch.byteLength;
    }
  }

  /** Forgets the rest. */
  stop(): void {
    this.leftBytes = 0;
    this.#parts = nothing;
  }

  /** The part where the next byte is. */
  #part(): Uint8Array {
    if (this.#parts instanceof Uint8Array) return this.#parts;
    for (;;) {
      const part = this.#parts[this.#index];
      assert(part !== undefined, 'a walk stays in its parts');
      if (this.#offset < part.byteLength) return part;
      this.#offset -= part.byteLength;
      this.#index += 1;
    }
  }
}
