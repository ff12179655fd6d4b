/**
 * CarryPool: lends memory for incomplete frames to the links of one transport.
 *
 * A link holds a carry only from the read that cut a frame to the read that completes it, so idle
 * links hold nothing and busy ones pass a few arrays around. What is kept for the next borrower is
 * bounded; anything beyond is left to the garbage collector.
 */
import { assert } from '../../core/assert.js';

/** Smallest array that is lent; a power of two. */
const carryBytesMin = 64;
/** Most bytes that the pool keeps while nobody borrows them. */
const keptBytesMax = 1024 * 1024;

export class CarryPool {
  /** By binary logarithm of the byte length: arrays that nobody borrows. */
  readonly #free: Uint8Array[][] = Array.from({ length: 32 }, () => []);
  #keptBytes = 0;

  /** An array of at least `byteLength` bytes, and less than twice that if not tiny; old content. */
  borrow(byteLength: number): Uint8Array {
    const order = orderOf(Math.max(byteLength, carryBytesMin));
    const carry = this.#free[order]?.pop();
    if (carry === undefined) return new Uint8Array(2 ** order);
    this.#keptBytes -= carry.byteLength;
    assert(carry.byteLength >= byteLength, 'a carry is as long as asked for');
    return carry;
  }

  giveBack(carry: Uint8Array): void {
    const list = this.#free[orderOf(carry.byteLength)];
    assert(list !== undefined, 'the carry came from a pool');
    if (this.#keptBytes + carry.byteLength > keptBytesMax) return;
    this.#keptBytes += carry.byteLength;
    list.push(carry);
  }
}

/** The smallest power of two that is not below `byteLength`, as its exponent. */
function orderOf(byteLength: number): number {
  return 32 - Math.clz32(byteLength - 1);
}
