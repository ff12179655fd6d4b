/**
 * LaneWriter: the outgoing half of a bulk lane. It writes the sources themselves, never a copy.
 *
 * One write is under way at a time, of a length that its caller bounds, since the kernel copies all
 * that it takes before `write` returns. It gathers as many short bodies, or as much of a long one.
 * While it is under way the next bodies wait here; their memory is the lane's in any case.
 */
import type { Socket } from 'node:net';
import { assert } from '../../core/assert.js';
import { bodiesMax, type LaneBytes } from '../../core/bulk-lane.js';
import { ByteWalk } from './byte-walk.js';
import { prefixBytes, recordHeadBytesMax, setPrefix } from './lane-wire.js';

/** Most arrays of one write; the system's own limit is 1024. */
const writePartsMax = 256;

/** One more than bodies, so that what was just `sent` keeps its header while others are added. */
const placesMax = bodiesMax + 1;

/** A body on its way. Reused. */
class Outgoing {
  /** Prefix and header. */
  readonly #head: Uint8Array;
  readonly #view: DataView;
  #headBytes = 0;
  #isHeadDue = false;
  isLong = false;
  readonly source: ByteWalk = new ByteWalk();

  constructor(head: Uint8Array) {
    this.#head = head;
    this.#view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  }

  get header(): Uint8Array {
    return this.#head.subarray(prefixBytes, this.#headBytes);
  }

  fill(header: Uint8Array, source: LaneBytes, byteLength: number, isLong: boolean): void {
    this.isLong = isLong;
    setPrefix(this.#view, header.byteLength, byteLength);
    this.#head.set(header, prefixBytes);
    this.#headBytes = prefixBytes + header.byteLength;
    this.#isHeadDue = true;
    this.source.start(source, byteLength);
  }

  /** Prefix and header, the first time. */
  takeHead(): Uint8Array | undefined {
    if (!this.#isHeadDue) return undefined;
    this.#isHeadDue = false;
    return this.#head.subarray(0, this.#headBytes);
  }
}

export class LaneWriter {
  readonly #socket: Socket;
  readonly #settled: () => void;
  /** A ring of bodies: those from `#oldest` on, `#count` of them, are on their way. */
  readonly #bodies: readonly Outgoing[];
  #oldest = 0;
  #count = 0;
  /** Of those, what the write that is under way, or was the last, ends. */
  #writtenCount = 0;
  readonly #parts: Uint8Array[] = [];
  #isWriting = false;
  #isReleased = false;

  /** `settled` is called when a write has ended; `takeSent` tells what it freed. */
  constructor(socket: Socket, settled: () => void) {
    this.#socket = socket;
    this.#settled = settled;
    const heads = new Uint8Array(placesMax * recordHeadBytesMax);
    this.#bodies = Array.from({ length: placesMax }, (_, index) => {
      const start = index * recordHeadBytesMax;
      return new Outgoing(heads.subarray(start, start + recordHeadBytesMax));
    });
  }

  get hasRoom(): boolean {
    return this.#count < bodiesMax;
  }

  /** True if there is nothing to write. */
  get isIdle(): boolean {
    return this.#writtenCount === this.#count;
  }

  /** True if what is to be written next is part of a long transfer. */
  get isNextLong(): boolean {
    return !this.isIdle && this.#body(this.#writtenCount).isLong;
  }

  // HOT:
  add(header: Uint8Array, source: LaneBytes, byteLength: number, isLong: boolean): void {
    assert(this.hasRoom, 'a writer takes no more bodies than it has places');
    this.#body(this.#count).fill(header, source, byteLength, isLong);
    this.#count += 1;
  }

  /**
   * Starts the next write, unless one is under way, of `bytesMax` bytes at most, but for prefixes
   * and headers; answers its length in bytes.
   */
  // HOT:
  write(bytesMax: number): number {
    if (this.#isWriting || this.#isReleased) return 0;
    const byteLength = this.#gather(bytesMax);
    const parts = this.#parts;
    const last = parts.pop();
    if (last === undefined) return 0;
    this.#isWriting = true;
    if (parts.length > 0) this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.write(last, this.#ended);
    if (parts.length > 0) this.#socket.uncork();
    parts.length = 0;
    return byteLength;
  }

  /** The header of the earliest body whose source is free, once; valid until the next call. */
  takeSent(): Uint8Array | undefined {
    if (this.#isWriting || this.#isReleased || this.#writtenCount === 0) return undefined;
    const { header } = this.#body(0);
    this.#oldest = (this.#oldest + 1) % placesMax;
    this.#count -= 1;
    this.#writtenCount -= 1;
    return header;
  }

  /** The socket is closed: forgets all sources. */
  release(): void {
    this.#isReleased = true;
    for (const { source } of this.#bodies) source.stop();
    this.#count = 0;
    this.#writtenCount = 0;
  }

  /** Puts what is next into `#parts`. */
  #gather(bytesMax: number): number {
    let byteLength = 0;
    while (this.#writtenCount < this.#count) {
      const body = this.#body(this.#writtenCount);
      const head = body.takeHead();
      if (head !== undefined) byteLength += this.#push(head);
      while (body.source.leftBytes > 0 && this.#mayTakeMore(byteLength, bytesMax)) {
        const stretch = body.source.peek(bytesMax - byteLength);
        body.source.advance(stretch.byteLength);
        byteLength += this.#push(stretch);
      }
      if (body.source.leftBytes > 0) return byteLength;
      this.#writtenCount += 1;
      if (!this.#mayTakeMore(byteLength, bytesMax)) return byteLength;
    }
    return byteLength;
  }

  #push(part: Uint8Array): number {
    this.#parts.push(part);
    return part.byteLength;
  }

  #mayTakeMore(byteLength: number, bytesMax: number): boolean {
    return byteLength < bytesMax && this.#parts.length < writePartsMax;
  }

  /** The body that comes `index` places after the oldest. */
  #body(index: number): Outgoing {
    const body = this.#bodies[(this.#oldest + index) % placesMax];
    assert(body !== undefined, 'the places form a ring');
    return body;
  }

  /** Also called when the socket was destroyed, with an error or not. */
  readonly #ended = (error?: Error | null): void => {
    if (error instanceof Error || this.#isReleased || this.#socket.destroyed) return;
    this.#isWriting = false;
    this.#settled();
  };
}
