/**
 * RingReader: the consuming half of one direction, over the peer's memory.
 *
 * `produced` is loaded once per batch: what it covers was written before it was stored, so plain
 * loads read it whole (see RingWriter). `consumed`, in this side's own memory, is stored by
 * `Atomics.store` after the last read of the frames before it: no load of theirs can be delayed
 * beyond it, and the peer overwrites nothing that is still being read.
 *
 * The peer may be hostile. Every word of it is read once into a local, checked, and used from
 * there; a frame's bytes may change while they are looked at, but its place and length do not.
 */
import { assert } from '../../core/assert.js';
import {
  Control,
  frameBytesLimit,
  padHeader,
  publishedAtLeastEvery,
  recordBytes,
  recordHeaderBytes,
  type RingMemory,
} from './ring-layout.js';
import { mustRing, WokenBy } from './sleeper.js';

/** Why `peek` gave no offset. */
export const PeekRefusal = { Nothing: -1, Corrupt: -2 } as const;
export type PeekRefusal = (typeof PeekRefusal)[keyof typeof PeekRefusal];

export class RingReader {
  /** The peer's ring; `peek` answers offsets into it. */
  readonly bytes: Uint8Array;
  /** Length of the frame that `peek` found last; for reading only. */
  peekedBytes = 0;
  readonly #words: Int32Array;
  readonly #peer: Int32Array;
  readonly #own: Int32Array;
  readonly #ringBytes: number = 0;
  readonly #mask: number = 0;
  readonly #frameBytesMax: number = 0;
  readonly #publishBytes: number = 0;
  /** The next record begins here. */
  #head: number = 0;
  /** Known to be produced up to here. */
  #tail: number = 0;
  /** The peeked record ends here; `#head` if none was peeked. */
  #peekEnd: number = 0;
  /** The peer knows that everything before this is consumed. */
  #published: number = 0;
  /** Up to here the peer was asked whether it sleeps for want of space. */
  #announced: number = 0;
  #isCorrupt = false;

  /** Starts where `own` says that it has consumed, which in new memory is 0. */
  constructor(peer: RingMemory, own: RingMemory) {
    const ringBytes = peer.bytes.length;
    assert((ringBytes & (ringBytes - 1)) === 0 && ringBytes >= 16, 'ring bytes are a power of two');
    assert(peer.words.length * 4 === ringBytes, 'two views of one ring');
    this.bytes = peer.bytes;
    this.#words = peer.words;
    this.#peer = peer.control;
    this.#own = own.control;
    this.#ringBytes = ringBytes;
    this.#mask = ringBytes - 1;
    this.#frameBytesMax = frameBytesLimit(ringBytes);
    this.#publishBytes = publishedAtLeastEvery(ringBytes);
    const start = Atomics.load(own.control, Control.Consumed);
    assert((start & 7) === 0, 'positions are aligned');
    this.#head = start;
    this.#tail = start;
    this.#peekEnd = start;
    this.#published = start;
    this.#announced = start;
  }

  /** True for ever once the peer's memory was nonsense; found by `peek`. */
  get isCorrupt(): boolean {
    return this.#isCorrupt;
  }

  /**
   * True if there is most likely no frame: a plain load may be late, though not for long. It costs
   * a tenth of `peek`, for a reader that asks again and again; before a sleep ask `peek`.
   */
  // HOT:
  get looksEmpty(): boolean {
    if (this.#head !== this.#tail || this.#isCorrupt) return false;
    return this.#peer[Control.Produced] === this.#tail;
  }

  /** True if the peer has most likely not ended; a plain load, as above. */
  // HOT:
  get looksOpen(): boolean {
    return this.#peer[Control.Ended] === 0;
  }

  /**
   * True if the peer said that it ends and every frame was released. `ended` is read before
   * `produced`, which the peer stored first: so a frame published before the end is not missed.
   */
  get isPeerEnded(): boolean {
    if (this.#head !== this.#tail) return false;
    if (Atomics.load(this.#peer, Control.Ended) !== 1) return false;
    return Atomics.load(this.#peer, Control.Produced) === this.#head;
  }

  /**
   * Offset of the oldest frame, whose length is then `peekedBytes`, or a `PeekRefusal`. Its bytes
   * stay in place until `release`. `Corrupt` is for ever.
   */
  // HOT:
  peek(): number {
    const head = this.#head;
    if (head === this.#tail && !this.#readProduced()) return this.#refusal();
    const index = head & this.#mask;
    const byteLength = this.#words[index >> 2] ?? 0;
    // A negative length becomes a large one, and so does 0.
    if ((byteLength - 1) >>> 0 >= this.#frameBytesMax) return this.#skipPad(index, byteLength);
    const takenBytes = recordBytes(byteLength);
    if (takenBytes > ((this.#tail - head) | 0) || index + takenBytes > this.#ringBytes) {
      return this.#corrupt();
    }
    this.peekedBytes = byteLength;
    this.#peekEnd = (head + takenBytes) | 0;
    return index + recordHeaderBytes;
  }

  /** Gives the peeked frame's room back; the peer learns it by `publish` at the latest. */
  // HOT:
  release(): void {
    const head = this.#peekEnd;
    assert(head !== this.#head, 'release without a frame');
    this.#head = head;
    if (((head - this.#published) | 0) >= this.#publishBytes) this.#storeConsumed();
  }

  /** Tells the peer what was released. True if it sleeps for want of space: then ring. */
  // HOT:
  publish(): boolean {
    if (this.#published !== this.#head) this.#storeConsumed();
    if (this.#announced === this.#published) return false;
    this.#announced = this.#published;
    return mustRing(this.#own, this.#peer, WokenBy.Space);
  }

  #storeConsumed(): void {
    this.#published = this.#head;
    // Gives the bytes before it back; the peer's RingWriter loads it.
    Atomics.store(this.#own, Control.Consumed, this.#head);
  }

  /** True if there is something new between `#head` and `#tail`. */
  #readProduced(): boolean {
    if (this.#isCorrupt) return false;
    const produced = Atomics.load(this.#peer, Control.Produced);
    const newBytes = (produced - this.#head) | 0;
    if (newBytes < 0 || newBytes > this.#ringBytes || (newBytes & 7) !== 0) {
      this.#isCorrupt = true;
      return false;
    }
    this.#tail = produced;
    return newBytes > 0;
  }

  /** A pad is published together with the record behind it, which is at the ring's beginning. */
  #skipPad(index: number, header: number): number {
    const padBytes = this.#ringBytes - index;
    if (header !== padHeader || index === 0 || padBytes >= ((this.#tail - this.#head) | 0)) {
      return this.#corrupt();
    }
    this.#head = (this.#head + padBytes) | 0;
    this.#peekEnd = this.#head;
    return this.peek();
  }

  #refusal(): number {
    return this.#isCorrupt ? PeekRefusal.Corrupt : PeekRefusal.Nothing;
  }

  /** Nothing of the peer's is looked at again: as if all that is known were consumed. */
  #corrupt(): number {
    this.#isCorrupt = true;
    this.#tail = this.#head;
    this.#peekEnd = this.#head;
    return PeekRefusal.Corrupt;
  }
}
