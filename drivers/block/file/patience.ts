/**
 * Patience: says when a call that may have to wait for the storage, but mostly need not, is made on
 * the own thread of the caller. A wait is paid back: for a hundred times as long such calls go to
 * another, so that the first stands still for a hundredth of its time at most.
 *
 * On a busy machine a call takes long because its thread was preempted, too, which says nothing of
 * the storage: with calls on another thread there would only be more to do.
 */

/** A call that takes longer has waited for something. */
const waitMs = 1;
const paybackFactor = 100;
/** Waits before such a call are told from its own by a count that is at most so old. */
const countedMsMax = 0.05;

export class Patience {
  /** How often this thread has waited in the kernel so far. */
  readonly #countWaits: (() => number) | undefined;
  #waitCount = 0;
  #countedMs = -Infinity;
  #resumeMs = -Infinity;

  /** Without `countWaits` every long call has waited. */
  constructor(countWaits?: () => number) {
    this.#countWaits = countWaits;
  }

  /** True if such a call may be made at `nowMs`. */
  // HOT:
  allows(nowMs: number): boolean {
    if (nowMs < this.#resumeMs) return false;
    if (this.#countWaits !== undefined && nowMs - this.#countedMs > countedMsMax) {
      this.#waitCount = this.#countWaits();
      this.#countedMs = nowMs;
    }
    return true;
  }

  /** A call began and ended at these times, of the same clock. */
  // HOT:
  spent(startMs: number, endMs: number): void {
    const tookMs = endMs - startMs;
    if (tookMs <= waitMs || this.#countWaits?.() === this.#waitCount) return;
    this.#resumeMs = endMs + paybackFactor * tookMs;
  }
}
