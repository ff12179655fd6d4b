/**
 * RingWriter: the producing half of one direction, over this side's own memory.
 *
 * Records are written with plain stores beyond `produced`, where the peer does not look, and become
 * visible by one `Atomics.store` of `produced`. That store is a release: whoever loads the new
 * value by `Atomics.load` also sees every plain store that went before it in program order. The
 * other way round, room is used again only after `Atomics.load` of the peer's `consumed`, whose
 * store came after the peer's last read of those bytes. Between two processes the buffers are not
 * shared in JavaScript's sense, but the engine emits the same fences for them and moves no access
 * of a typed array across an `Atomics` call.
 *
 * Positions are int32, free-running, and compared by difference only. The peer's word is read into
 * a local, checked, and used from there: it may be anything at any time.
 */
import { assert } from '../../core/assert.js';
import { ClaimRefusal } from '../../core/transport.js';
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

export class RingWriter {
  /** The ring; `claim` answers offsets into it. */
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #own: Int32Array;
  readonly #peer: Int32Array;
  readonly #ringBytes: number = 0;
  readonly #mask: number = 0;
  readonly #frameBytesMax: number = 0;
  /** At so many unpublished bytes `commit` publishes. */
  #publishBytes: number = 0;
  /** Committed up to here. */
  #tail: number = 0;
  /** Where the open claim ends; `#tail` if none is open. */
  #claimEnd: number = 0;
  /** The peer sees records up to here. */
  #published: number = 0;
  /** Up to here the peer was asked whether it sleeps. */
  #announced: number = 0;
  /** The peer's `consumed`, as it was read last; never beyond `#published`. */
  #consumed: number = 0;
  /** The refused record that waits for room; 0 if none does. */
  #refusedBytes = 0;
  #isEnded = false;
  #isCorrupt = false;

  /** Starts where `own` says that it has published, which in new memory is 0. */
  constructor(own: RingMemory, peer: RingMemory) {
    const ringBytes = own.bytes.length;
    assert((ringBytes & (ringBytes - 1)) === 0 && ringBytes >= 16, 'ring bytes are a power of two');
    assert(own.words.length * 4 === ringBytes, 'two views of one ring');
    this.bytes = own.bytes;
    this.#words = own.words;
    this.#own = own.control;
    this.#peer = peer.control;
    this.#ringBytes = ringBytes;
    this.#mask = ringBytes - 1;
    this.#frameBytesMax = frameBytesLimit(ringBytes);
    this.#publishBytes = publishedAtLeastEvery(ringBytes);
    const start = Atomics.load(own.control, Control.Produced);
    assert((start & 7) === 0, 'positions are aligned');
    this.#tail = start;
    this.#claimEnd = start;
    this.#published = start;
    this.#announced = start;
    this.#consumed = start;
  }

  /** True from a refused claim on, until `takeWritable` answered true. */
  get owesWritable(): boolean {
    return this.#refusedBytes !== 0;
  }

  /** True if the peer has consumed everything that was published. */
  get isDrained(): boolean {
    this.#readConsumed();
    return this.#consumed === this.#published && !this.#isCorrupt;
  }

  /** True for ever once the peer's position was nonsense; found by any method that reads it. */
  get isCorrupt(): boolean {
    return this.#isCorrupt;
  }

  /** Room for one frame of 1 to `frameBytesLimit` bytes: an offset, or `BackPressured`. */
  // HOT:
  claim(byteLength: number): number {
    assert(this.#claimEnd === this.#tail, 'one claim at a time', 'BAD_ARGUMENT');
    assert(byteLength >= 1 && byteLength <= this.#frameBytesMax, 'frame length', 'BAD_ARGUMENT');
    const neededBytes = recordBytes(byteLength);
    const tail = this.#tail;
    let index = tail & this.#mask;
    let claimEnd = (tail + neededBytes) | 0;
    if (index + neededBytes > this.#ringBytes) claimEnd = (claimEnd + this.#ringBytes - index) | 0;
    if (((claimEnd - this.#consumed) | 0) > this.#ringBytes) {
      this.#readConsumed();
      if (((claimEnd - this.#consumed) | 0) > this.#ringBytes) return this.#refuse(neededBytes);
    }
    // Beyond `produced` nobody looks, so an aborted claim may leave its headers behind.
    if (index + neededBytes > this.#ringBytes) {
      this.#words[index >> 2] = padHeader;
      index = 0;
    }
    this.#words[index >> 2] = byteLength;
    this.#claimEnd = claimEnd;
    return index + recordHeaderBytes;
  }

  /** The claimed record and the pad before it will be published. */
  // HOT:
  commit(): void {
    const claimEnd = this.#claimEnd;
    assert(claimEnd !== this.#tail, 'commit without a claim', 'BAD_ARGUMENT');
    this.#tail = claimEnd;
    if (((claimEnd - this.#published) | 0) >= this.#publishBytes) this.#storeProduced();
  }

  /** The claim never happened. */
  abort(): void {
    assert(this.#claimEnd !== this.#tail, 'abort without a claim', 'BAD_ARGUMENT');
    this.#claimEnd = this.#tail;
  }

  /** Shows a peer that is awake what is committed; `publish` has to follow, for one that sleeps. */
  // HOT:
  show(): void {
    if (this.#published !== this.#tail && !this.#isEnded) this.#storeProduced();
  }

  /** Shows the peer what is committed. True if it sleeps: then ring its doorbell. */
  // HOT:
  publish(): boolean {
    if (this.#published !== this.#tail && !this.#isEnded) this.#storeProduced();
    if (this.#announced === this.#published) return false;
    this.#announced = this.#published;
    return mustRing(this.#own, this.#peer, WokenBy.Record);
  }

  /**
   * Publishes what is committed, and that nothing follows: an open claim, and what is claimed from
   * now on, reaches nobody. True if the peer sleeps: then ring its doorbell. Idempotent.
   */
  end(): boolean {
    if (this.#isEnded) return false;
    if (this.#published !== this.#tail) this.#storeProduced();
    this.#announced = this.#published;
    this.#isEnded = true;
    this.#publishBytes = 2 ** 31 - 1;
    // After the last `produced`: who reads `ended` first and `produced` next misses no frame.
    Atomics.store(this.#own, Control.Ended, 1);
    return mustRing(this.#own, this.#peer, WokenBy.Record);
  }

  /** After a refused claim: true once, as soon as what was refused has room. */
  takeWritable(): boolean {
    const refusedBytes = this.#refusedBytes;
    if (refusedBytes === 0) return false;
    this.#readConsumed();
    // Behind the open claim, if there is one: its abort makes room, its commit does not.
    const start = this.#claimEnd;
    const bytesToEnd = this.#ringBytes - (start & this.#mask);
    const padBytes = refusedBytes > bytesToEnd ? bytesToEnd : 0;
    const takenBytes = (start - this.#consumed + padBytes + refusedBytes) | 0;
    if (takenBytes > this.#ringBytes || this.#isCorrupt) return false;
    this.#refusedBytes = 0;
    return true;
  }

  /** The largest of several refused claims counts: `writable` then holds for each of them. */
  #refuse(neededBytes: number): number {
    if (neededBytes > this.#refusedBytes) this.#refusedBytes = neededBytes;
    return ClaimRefusal.BackPressured;
  }

  #storeProduced(): void {
    this.#published = this.#tail;
    // Publishes the records before it; the peer's RingReader loads it.
    Atomics.store(this.#own, Control.Produced, this.#tail);
  }

  /** It may only grow, and not beyond what was published; else it stays at what was believed. */
  #readConsumed(): void {
    const consumed = Atomics.load(this.#peer, Control.Consumed);
    const grownBytes = (consumed - this.#consumed) | 0;
    const inFlightBytes = (this.#published - this.#consumed) | 0;
    if (grownBytes < 0 || grownBytes > inFlightBytes || (consumed & 7) !== 0) {
      this.#isCorrupt = true;
    } else if (!this.#isCorrupt) {
      this.#consumed = consumed;
    }
  }
}
