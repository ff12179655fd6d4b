/**
 * Framing: how frames lie in the byte stream, and how they are found again in what arrives.
 *
 *   | u32 little-endian byteLength | payload | 0 to 3 zero bytes |  next frame ...
 *
 * Every record is a multiple of 4 bytes, so a frame that starts at a multiple of 4 is followed by
 * another one. The socket reads into one landing area, shared by all links of a transport, and
 * frames are handed out in place. Only the incomplete frame at the end of a read is kept, in a
 * carry of the link's own; before the next read is parsed the carry is put back directly in front
 * of it. The next read lands so many bytes past a multiple of 4 as the carry is long, so that every
 * frame is whole and aligned, however the network has cut the stream.
 *
 * Nothing here knows of sockets or throws because of a byte: the peer is not trusted.
 */
import { assert } from '../../core/assert.js';
import type { CarryPool } from './carry-pool.js';
import { preambleBytes, preambleWord } from './lane-wire.js';

/** Bytes before each payload. */
export const headerBytes = 4;

/** What `FrameReader.next` answers instead of a byte length. `Lane`: no frames come here. */
export const NoFrame = { NeedsMore: 0, Corrupt: -1, Lane: -2 } as const;

/** Bytes that a frame of `byteLength` takes in the stream. */
export function recordBytes(byteLength: number): number {
  return headerBytes + ((byteLength + 3) & ~3);
}

/**
 * LandingArea: where sockets read to. One for all links of a transport, because a read is parsed to
 * its end before the next one begins.
 *
 *   | headroom for a carry | up to 3 bytes | room for one read |
 */
export class LandingArea {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The place for the next read, by the number of bytes that it starts past a multiple of 4. */
  readonly #places: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  readonly #headroomBytes: number = 0;

  constructor(frameBytesMax: number, readBytes: number) {
    const headroomBytes = recordBytes(frameBytesMax);
    const bytes = new Uint8Array(headroomBytes + 3 + readBytes);
    const place = (shift: number): Uint8Array =>
      bytes.subarray(headroomBytes + shift, headroomBytes + shift + readBytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.#places = [place(0), place(1), place(2), place(3)];
    this.#headroomBytes = headroomBytes;
  }

  /** Offset in `bytes` of the place for a read that continues a carry of `carriedBytes`. */
  offsetAfter(carriedBytes: number): number {
    return this.#headroomBytes + (carriedBytes & 3);
  }

  /** The place itself. It is the socket's until the read has been parsed. */
  placeAfter(carriedBytes: number): Uint8Array {
    // `& 3` leaves no other index, which the compiler cannot know.
    return this.#places[(carriedBytes & 3) as 0 | 1 | 2 | 3];
  }
}

/**
 * FrameReader: the incoming half of one link. For each read: `landed`, then `next` until it answers
 * 0 or less. Memory for a carry is borrowed only while a frame is incomplete, and never more than
 * twice what has really arrived of it, whatever length the peer claims.
 */
export class FrameReader {
  /** Where in `area.bytes` the frame lies that `next` has just found; valid until `landed`. */
  offset = 0;

  readonly #area: LandingArea;
  readonly #pool: CarryPool;
  readonly #frameBytesMax: number = 0;
  #carry: Uint8Array | undefined = undefined;
  #carriedBytes = 0;
  /** With a carry: the length at which it is worth looking at again. */
  #wantedBytes = 0;
  /** What is not parsed yet: `area.bytes` from here to `#end`. */
  #start = 0;
  #end = 0;

  constructor(area: LandingArea, pool: CarryPool, frameBytesMax: number) {
    this.#area = area;
    this.#pool = pool;
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes of an incomplete frame. If the stream ends now, the frame is lost. */
  get carriedBytes(): number {
    return this.#carriedBytes;
  }

  /** Takes note that `byteLength` bytes were read to `area.placeAfter(carriedBytes)`. */
  landed(byteLength: number): void {
    assert(this.#start === this.#end, 'the last read was parsed to its end');
    const offset = this.#area.offsetAfter(this.#carriedBytes);
    assert(offset + byteLength <= this.#area.bytes.byteLength, 'a read fits its place');
    this.#end = offset + byteLength;
    if (this.#carriedBytes + byteLength < this.#wantedBytes) {
      this.#extendCarry(offset);
    } else {
      this.#start = offset - this.#carriedBytes;
      this.#restoreCarry();
    }
    assert((this.#start & 3) === 0 || this.#start === this.#end, 'frames start aligned');
  }

  /** Byte length of the next whole frame, at `offset`; or one of `NoFrame`. */
  // HOT:
  next(): number {
    const start = this.#start;
    const leftBytes = this.#end - start;
    if (leftBytes < headerBytes) return this.#keep(leftBytes, headerBytes);
    const view = this.#area.view;
    const byteLength = view.getInt32(start, true);
    // Read as signed, so that lengths of 2 GiB and more are refused by the first comparison.
    if (byteLength <= 0 || byteLength > this.#frameBytesMax) return this.#refuse();
    const paddedBytes = (byteLength + 3) & ~3;
    if (leftBytes < headerBytes + paddedBytes) {
      return this.#keep(leftBytes, headerBytes + paddedBytes);
    }
    if (paddedBytes !== byteLength) {
      const lastWord = view.getInt32(start + paddedBytes, true);
      if (lastWord >>> ((byteLength & 3) * 8) !== 0) return this.#refuse();
    }
    this.offset = start + headerBytes;
    this.#start = start + headerBytes + paddedBytes;
    return byteLength;
  }

  /** Gives up whatever is not parsed. The reader may be used no more. */
  release(): void {
    this.#start = this.#end;
    this.#dropCarry();
  }

  #refuse(): number {
    // Whoever dials a lane says no more than its preamble before that is answered.
    const isAlone = this.#end - this.#start === preambleBytes;
    const isLane = isAlone && this.#area.view.getInt32(this.#start, true) === preambleWord;
    this.release();
    return isLane ? NoFrame.Lane : NoFrame.Corrupt;
  }

  /** Copies the incomplete record out of the area, which the next read of any link overwrites. */
  #keep(leftBytes: number, wantedBytes: number): number {
    if (leftBytes > 0) {
      assert(this.#carriedBytes === 0, 'a carry is restored before it is replaced');
      const start = this.#start;
      this.#carry = this.#pool.borrow(leftBytes);
      this.#carry.set(this.#area.bytes.subarray(start, this.#end));
      this.#carriedBytes = leftBytes;
      this.#wantedBytes = wantedBytes;
      this.#start = this.#end;
    }
    return NoFrame.NeedsMore;
  }

  /** The record is still incomplete: appends what lies from `offset` to `#end`. */
  #extendCarry(offset: number): void {
    const carry = this.#carry;
    assert(carry !== undefined, 'only a carry waits for more bytes');
    const grownBytes = this.#carriedBytes + this.#end - offset;
    let target = carry;
    if (grownBytes > carry.byteLength) {
      target = this.#pool.borrow(grownBytes);
      target.set(carry.subarray(0, this.#carriedBytes));
      this.#pool.giveBack(carry);
      this.#carry = target;
    }
    target.set(this.#area.bytes.subarray(offset, this.#end), this.#carriedBytes);
    this.#carriedBytes = grownBytes;
    this.#start = this.#end;
  }

  /** Puts the carry directly in front of the read, at `#start`. */
  #restoreCarry(): void {
    if (this.#carry === undefined) return;
    assert(this.#start >= 0, 'the headroom holds any incomplete record');
    this.#area.bytes.set(this.#carry.subarray(0, this.#carriedBytes), this.#start);
    this.#dropCarry();
  }

  #dropCarry(): void {
    if (this.#carry !== undefined) this.#pool.giveBack(this.#carry);
    this.#carry = undefined;
    this.#carriedBytes = 0;
    this.#wantedBytes = 0;
  }
}
