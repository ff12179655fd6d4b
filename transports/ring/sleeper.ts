/**
 * Who sleeps, and who rings: the side of a link that goes to sleep says so in its own memory, and
 * the other one rings the doorbell once per sleep.
 *
 *     sleeper                                  ringer
 *     sleep word := asleep                     position := new one
 *     position?  moved: do not sleep           sleep word?  asleep: ring
 *
 * All four are sequentially consistent Atomics, so the two questions cannot both miss what the
 * other side stored before its own: either the sleeper sees the position or the ringer the sleep.
 * The link asks again after `sleep` (`peek`, `takeWritable`, `isPeerEnded`) and only then waits.
 *
 * Each sleep has a number of its own. The ringer notes the word that it rang for, for data and for
 * space alike, so one sleep costs one doorbell; a sleeper that woke by itself and sleeps again has
 * a new number, and a doorbell of the old one that comes late merely wakes it in vain.
 */
import { Control, SleepBit, type RingMemory } from './ring-layout.js';

/** The bits of a peer's sleep that a new record, or new space, has to find. */
export const WokenBy: { readonly Record: number; readonly Space: number } = {
  Record: SleepBit.Asleep,
  Space: SleepBit.Asleep | SleepBit.WantsSpace,
};

export class Sleeper {
  readonly #control: Int32Array;
  #number = 0;
  #isAsleep = false;

  /** `own` is this side's memory. */
  constructor(own: RingMemory) {
    this.#control = own.control;
  }

  get isAsleep(): boolean {
    return this.#isAsleep;
  }

  /**
   * Asks for the doorbell: at the next record or the peer's end, and at the next free space if
   * `wantsSpace`. First publish what was committed and released, or both sides may wait for it.
   * What the peer did before is not rung for: look again, and only then wait. Legal while asleep,
   * if there is now a wish for space: that is a new sleep.
   */
  sleep(wantsSpace: boolean): void {
    this.#number = (this.#number + 1) | 0;
    this.#isAsleep = true;
    const numberBits = this.#number << SleepBit.numberShift;
    Atomics.store(
      this.#control,
      Control.Sleep,
      numberBits | (wantsSpace ? WokenBy.Space : WokenBy.Record),
    );
  }

  /** No doorbell is wanted; one that is on its way still comes. Idempotent. */
  wake(): void {
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    Atomics.store(this.#control, Control.Sleep, 0);
  }
}

/**
 * After a store that the peer may be waiting for: true if its doorbell is to be rung. Reads the
 * peer's word once; whatever a hostile one holds costs no more than a doorbell per question.
 */
export function mustRing(own: Int32Array, peer: Int32Array, reason: number): boolean {
  const word = Atomics.load(peer, Control.Sleep);
  // The reader and the writer of this side share the note, and both run on one thread.
  if ((word & reason) !== reason || word === own[Control.Rung]) return false;
  own[Control.Rung] = word;
  return true;
}
