/**
 * Patience: says when a call that may have to wait for the storage, but mostly need not, is made on
 * the own thread of the caller. A wait is paid back: for a hundred times as long such calls go to
 * another, so that the first stands still for a hundredth of its time at most.
 */

/** A call that takes longer has waited for something. */
const waitMs = 1;
const paybackFactor = 100;

export class Patience {
  #resumeMs = -Infinity;

  /** True if such a call may be made at `nowMs`. */
  // HOT:
  allows(nowMs: number): boolean {
    return nowMs >= this.#resumeMs;
  }

  /** A call began and ended at these times, of the same clock. */
  // HOT:
  spent(startMs: number, endMs: number): void {
    const tookMs = endMs - startMs;
    if (tookMs > waitMs) this.#resumeMs = endMs + paybackFactor * tookMs;
  }
}
