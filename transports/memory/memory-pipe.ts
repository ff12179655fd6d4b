/**
 * MemoryPipe: one direction of a link, a ring of bytes with one writer and one reader.
 *
 * A record is contiguous: it never wraps. If it does not fit before the end of the ring, a pad
 * record fills the tail and the record starts at 0. So a frame can be written and read in place.
 *
 *     | byteLength int32 | unused | frame bytes ... | up to 7 bytes of padding |     record
 *     | -1         int32 | whatever was there, to the end of the ring          |     pad record
 *
 * Positions are int32 counts of all bytes ever written and read. They wrap, so they are compared
 * by difference only: `written - read` is what the ring holds. Both ends live on one thread, so
 * plain fields will do; nothing here is atomic.
 */
import { assert } from '../../core/assert.js';
import { ClaimRefusal } from '../../core/transport.js';

/** Room for the length; a whole alignment unit, so that frames start 8-byte aligned. */
const headerBytes = 8;
const alignmentBytes = 8;
const padMark = -1;

/** Largest ring: the difference of two positions has to fit an int32. */
export const ringBytesMax: number = 2 ** 30;

/** What a frame of `byteLength` takes in the ring. */
export function recordBytes(byteLength: number): number {
  return (headerBytes + byteLength + alignmentBytes - 1) & -alignmentBytes;
}

/**
 * The smallest ring in which an idle pipe takes every frame (law L10): wherever the writer stands,
 * a record that does not fit before the end costs a pad smaller than itself.
 */
export function ringBytesMin(frameBytesMax: number): number {
  return 2 * recordBytes(frameBytesMax);
}

export class MemoryPipe {
  /** The ring; `claim` and `peek` answer offsets into it. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #mask: number = 0;
  #written: number = 0;
  #read: number = 0;
  /** What the open claim takes, its pad included; 0 if no claim is open. */
  #claimedBytes = 0;
  /** Free bytes that a refused writer waits for; 0 if none waits. */
  #awaitedBytes = 0;
  /** Length of the frame that `peek` found last. */
  #peekedBytes = 0;

  /** `position` is where both ends start; tests set it just below the wrap. */
  constructor(ringBytes: number, position = 0) {
    assert(ringBytes >= 2 * alignmentBytes && ringBytes <= ringBytesMax, 'ring out of range');
    assert((ringBytes & (ringBytes - 1)) === 0, 'ring bytes are a power of two');
    assert((position | 0) === position, 'a position is an int32');
    assert(position % alignmentBytes === 0, 'positions are aligned');
    this.bytes = new Uint8Array(ringBytes);
    this.#view = new DataView(this.bytes.buffer);
    this.#mask = ringBytes - 1;
    this.#written = position;
    this.#read = position;
  }

  get isEmpty(): boolean {
    return this.#written === this.#read;
  }

  /** Length of the frame that `peek` just found; valid until `release`. */
  get peekedBytes(): number {
    return this.#peekedBytes;
  }

  /** Room for one frame: an offset into `bytes`, or `BackPressured`. */
  // HOT:
  claim(byteLength: number): number {
    assert(this.#claimedBytes === 0, 'one claim at a time', 'BAD_ARGUMENT');
    const takenBytes = recordBytes(byteLength);
    const index = this.#written & this.#mask;
    const tailBytes = this.#mask + 1 - index;
    const padBytes = takenBytes <= tailBytes ? 0 : tailBytes;
    if (padBytes + takenBytes > this.#freeBytes()) return this.#refuse(padBytes + takenBytes);
    if (padBytes > 0) this.#view.setInt32(index, padMark, true);
    const start = padBytes > 0 ? 0 : index;
    this.#view.setInt32(start, byteLength, true);
    this.#claimedBytes = padBytes + takenBytes;
    return start + headerBytes;
  }

  /** Publishes the claimed record, and the pad before it, to the reader. */
  // HOT:
  commit(): void {
    assert(this.#claimedBytes > 0, 'commit without a claim', 'BAD_ARGUMENT');
    this.#written = (this.#written + this.#claimedBytes) | 0;
    this.#claimedBytes = 0;
  }

  /** What `claim` wrote lies beyond the written position and is overwritten by the next one. */
  abort(): void {
    assert(this.#claimedBytes > 0, 'abort without a claim', 'BAD_ARGUMENT');
    this.#claimedBytes = 0;
  }

  /** Offset of the oldest frame, or -1. Its bytes stay in place until `release`. */
  // HOT:
  peek(): number {
    if (this.#written === this.#read) return -1;
    const index = this.#read & this.#mask;
    const byteLength = this.#view.getInt32(index, true);
    if (byteLength === padMark) return this.#skipPad(index);
    this.#peekedBytes = byteLength;
    return index + headerBytes;
  }

  /** Gives the peeked frame's room back to the writer. */
  // HOT:
  release(): void {
    assert(this.#written !== this.#read, 'release without a frame');
    this.#read = (this.#read + recordBytes(this.#peekedBytes)) | 0;
  }

  /** True once if a writer was refused and has room now. */
  takeWritable(): boolean {
    if (!this.owesWritable) return false;
    this.#awaitedBytes = 0;
    return true;
  }

  get owesWritable(): boolean {
    return this.#awaitedBytes > 0 && this.#freeBytes() >= this.#awaitedBytes;
  }

  #freeBytes(): number {
    return this.#mask + 1 - ((this.#written - this.#read) | 0);
  }

  /** The writer is told at half a ring at least, so that it does not wake for every frame. */
  #refuse(neededBytes: number): number {
    assert(neededBytes <= this.#mask + 1, 'an empty ring takes every legal frame');
    this.#awaitedBytes = Math.max(neededBytes, (this.#mask + 1) >> 1);
    return ClaimRefusal.BackPressured;
  }

  /** A pad is only ever committed together with the record behind it, at the ring's start. */
  #skipPad(index: number): number {
    this.#read = (this.#read + this.#mask + 1 - index) | 0;
    assert(this.#written !== this.#read, 'a record follows a pad');
    this.#peekedBytes = this.#view.getInt32(0, true);
    return headerBytes;
  }
}
