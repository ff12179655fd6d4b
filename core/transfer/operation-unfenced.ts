/**
 * UnfencedRanges: where a piece of an operation that ended as `maybe` may still land. A later
 * operation there waits until the owner has fenced the former one, or its lease ran out (B5).
 *
 * The list is bounded: while it is full, or one owner has more than its part of it, no Write that
 * could need another place begins.
 */
import type { Clock } from '../runtime.js';
import type { Target } from './operation-target.js';

const rangesMax = 1_024;
/** So that one owner that never answers holds up nobody else's writes. */
const rangesOfOwnerMax = 256;

export interface UnfencedRange {
  readonly target: Target;
  /** In the registered buffer. */
  readonly from: number;
  readonly end: number;
  /** Of the operation that is in doubt. */
  readonly number: number;
  /** From then on nothing of it lands. */
  readonly untilMs: number;
}

export class UnfencedRanges {
  readonly #clock: Clock;
  readonly #ranges = new Set<UnfencedRange>();
  readonly #countByOwner = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#ranges.size;
  }

  add(range: UnfencedRange): void {
    const { ownerKey } = range.target.lease;
    this.#ranges.add(range);
    this.#countByOwner.set(ownerKey, (this.#countByOwner.get(ownerKey) ?? 0) + 1);
  }

  /** It was fenced, or its time is over. Idempotent. */
  remove(range: UnfencedRange): void {
    if (!this.#ranges.delete(range)) return;
    const { ownerKey } = range.target.lease;
    const count = (this.#countByOwner.get(ownerKey) ?? 0) - 1;
    if (count === 0) this.#countByOwner.delete(ownerKey);
    else this.#countByOwner.set(ownerKey, count);
  }

  /** HOT: true if another Write to that owner may end in doubt. */
  hasRoom(target: Target): boolean {
    if (this.#ranges.size < rangesOfOwnerMax || this.#isRoom(target)) return true;
    const nowMs = this.#clock.now();
    for (const range of this.#ranges) if (range.untilMs <= nowMs) this.remove(range);
    return this.#isRoom(target);
  }

  /** HOT: true if nothing can land there. */
  isClear(target: Target, offset: number, byteLength: number): boolean {
    return this.#ranges.size === 0 || this.overlapping(target, offset, byteLength).length === 0;
  }

  /** Those that can still land in `byteLength` bytes from `offset` of the reference on. */
  overlapping(target: Target, offset: number, byteLength: number): UnfencedRange[] {
    const nowMs = this.#clock.now();
    const from = target.baseOffset + offset;
    const end = from + byteLength;
    const found: UnfencedRange[] = [];
    for (const range of this.#ranges) {
      if (range.untilMs <= nowMs) this.remove(range);
      else if (range.target.registrationKey !== target.registrationKey) continue;
      else if (range.from < end && from < range.end) found.push(range);
    }
    return found;
  }

  clear(): void {
    this.#ranges.clear();
    this.#countByOwner.clear();
  }

  #isRoom(target: Target): boolean {
    const ofOwner = this.#countByOwner.get(target.lease.ownerKey) ?? 0;
    return this.#ranges.size < rangesMax && ofOwner < rangesOfOwnerMax;
  }
}
