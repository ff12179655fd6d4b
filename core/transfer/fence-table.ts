/**
 * FenceTable: the owner's judgement of whether a Write may still be executed (B5).
 *
 * Two rules. A Write whose stamp is older than the lease is too late, wherever it was delayed. A
 * Write of a fenced operation is refused until the lease makes it too late anyway, so the table
 * holds nothing for longer than that. A table that is full is emptied, and refuses instead all
 * Writes with a stamp from before: their holders ask for a new one, and lose nothing else.
 *
 * Bounded memory, whatever peers fence: 4,096 operations by default. A peer that chooses its
 * operations to collide makes a look-up walk the table at worst, some microseconds.
 */
import { assert } from '../assert.js';
import { ByteArea, copyBytes } from '../byte-area.js';
import { ErrorCode } from '../errors.js';
import type { Clock } from '../runtime.js';
import { operationBytes } from './transfer-wire.js';

/** Operations that are remembered at one time. */
export const fencesMax = 4096;

/** Stamps from before and after a full table was emptied differ by this, in milliseconds. */
const stampStepMs = 0.001;

const wordsPerOperation = operationBytes / 4;

export class FenceTable {
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #capacity: number;
  readonly #salt: number;
  /** The fenced operations, one after the other. */
  readonly #operations: ByteArea;
  /** Open addressing: 1 + the index of an operation, or 0. Never more than half full. */
  readonly #buckets: Int32Array;
  readonly #mask: number;
  #count = 0;
  /** When the latest operation was fenced: the lease after that, all of them are forgotten. */
  #fencedAtMs = 0;
  /** A Write with this stamp or an older one is too late. */
  #floor = -1;

  /** `leaseMs` from 1 on; `salt`: unpredictable, 32 bits. */
  constructor(clock: Clock, leaseMs: number, salt: number, capacity: number = fencesMax) {
    assert(leaseMs >= 1 && leaseMs < 2 ** 32, 'a lease is from 1 ms on', 'BAD_ARGUMENT');
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#salt = salt;
    this.#capacity = capacity;
    this.#operations = ByteArea.allocate(capacity * operationBytes);
    const bucketCount = 2 ** Math.ceil(Math.log2(2 * capacity));
    this.#buckets = new Int32Array(bucketCount);
    this.#mask = bucketCount - 1;
  }

  /** Operations that are remembered now. */
  get count(): number {
    return this.#count;
  }

  /**
   * HOT: the owner's time in milliseconds, as it is told to holders. Never goes back; a stamp that
   * is given after the table was emptied is greater than all that were given before.
   */
  stampNow(): number {
    const nowMs = this.#clock.now();
    const leastMs = this.#floor + stampStepMs;
    return nowMs > leastMs ? nowMs : leastMs;
  }

  /**
   * HOT: judges a Write of the operation at `at`, right before it is executed at `nowMs`, a time
   * of `stampNow`: `Ok`, `StaleLease` or `Cancelled`.
   */
  judge(area: ByteArea, at: number, stamp: number, nowMs: number): ErrorCode {
    if (stamp <= this.#floor || stamp > nowMs || nowMs - stamp > this.#leaseMs) {
      return ErrorCode.StaleLease;
    }
    if (this.#count === 0) return ErrorCode.Ok;
    if (nowMs - this.#fencedAtMs > this.#leaseMs) {
      this.#clear();
      return ErrorCode.Ok;
    }
    return this.#buckets[this.#bucketOf(area, at)] === 0 ? ErrorCode.Ok : ErrorCode.Cancelled;
  }

  /** From now on no Write of the operation at `at` is executed. True if the table was full. */
  fence(area: ByteArea, at: number): boolean {
    const nowMs = this.stampNow();
    if (this.#count > 0 && nowMs - this.#fencedAtMs > this.#leaseMs) this.#clear();
    this.#fencedAtMs = nowMs;
    const bucket = this.#bucketOf(area, at);
    if (this.#buckets[bucket] !== 0) return false;
    if (this.#count < this.#capacity) {
      copyBytes(area, at, this.#operations, this.#count * operationBytes, operationBytes);
      this.#count++;
      this.#buckets[bucket] = this.#count;
      return false;
    }
    // The operation's own Writes carry stamps from before, too.
    this.#clear();
    this.#floor = nowMs;
    return true;
  }

  #clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
  }

  /** HOT: the bucket that holds the operation, or the empty one where it would go. */
  #bucketOf(area: ByteArea, at: number): number {
    let bucket = this.#hash(area, at) & this.#mask;
    // Ends, since at most half of the buckets are taken.
    for (;;) {
      const entry = this.#buckets[bucket] ?? 0;
      if (entry === 0 || this.#isEqual(entry - 1, area, at)) return bucket;
      bucket = (bucket + 1) & this.#mask;
    }
  }

  #isEqual(index: number, area: ByteArea, at: number): boolean {
    const start = index * operationBytes;
    for (let word = 0; word < wordsPerOperation; word++) {
      const mine = this.#operations.getWord(start + 4 * word);
      if (mine !== area.getWord(at + 4 * word)) return false;
    }
    return true;
  }

  #hash(area: ByteArea, at: number): number {
    let hash = this.#salt;
    for (let word = 0; word < wordsPerOperation; word++) {
      hash = Math.imul(hash ^ area.getWord(at + 4 * word), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash;
  }
}
