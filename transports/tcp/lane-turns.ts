/**
 * LaneTurns: how much a bulk lane writes and reads between two polls (law N13).
 *
 * The more the faster, but whoever uses the same domain waits meanwhile. So a lane that is alone
 * moves most, and one that sends a part of a long transfer beside messages least: there the next
 * message may come at any time. Between them are short transfers beside messages. Those are often
 * announced by these very messages, and smaller writes make both slower.
 */
import type { Clock } from '../../core/runtime.js';

/** Half as much took a tenth of the rate; twice as much gave another tenth. */
const aloneWriteBytes = 1024 * 1024;
const sharedWriteBytes = 512 * 1024;
/** What is left is less than half of the rate. */
const longWriteBytes = 64 * 1024;
/** More gave nothing. */
const aloneReadBytes = 512 * 1024;
/** Nobody sends faster for long; but after a pause there may be more. */
const sharedReadBytes = 128 * 1024;
/** So long after others' last frame the next one is still expected, in milliseconds. */
const expectMs = 10;

/** The group of links to which a lane belongs. */
export interface Neighbourhood {
  /** Moves whenever frames come or go for which lanes make way. */
  readonly trafficCount: number;
  readonly runtime: { readonly clock: Pick<Clock, 'now'> };
}

export class LaneTurns {
  readonly #group: Neighbourhood;
  #trafficSeen: number;
  #isShared = false;
  #sharedUntilMs = -Infinity;

  constructor(group: Neighbourhood) {
    this.#group = group;
    this.#trafficSeen = group.trafficCount;
  }

  /** A turn begins: looks for traffic since the one before. */
  // HOT:
  next(): void {
    const { trafficCount, runtime } = this.#group;
    if (trafficCount !== this.#trafficSeen) {
      this.#trafficSeen = trafficCount;
      this.#isShared = true;
      this.#sharedUntilMs = runtime.clock.now() + expectMs;
    } else if (this.#isShared) {
      this.#isShared = runtime.clock.now() < this.#sharedUntilMs;
    }
  }

  /** Most that is written in this turn; `isLong`: what is next is part of a long transfer. */
  // HOT:
  writeBytesMax(isLong: boolean): number {
    if (!this.#isShared) return aloneWriteBytes;
    return isLong ? longWriteBytes : sharedWriteBytes;
  }

  /** What is read in this turn before the lane pauses. */
  // HOT:
  get readBytesMax(): number {
    return this.#isShared ? sharedReadBytes : aloneReadBytes;
  }
}
