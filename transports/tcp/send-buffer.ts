/**
 * SendBuffer: the outgoing frames of one link, in one array made of two halves.
 *
 * Records are appended to the active half. `take` hands everything that was committed there to one
 * socket write and makes the other half active; until `written` only one write is under way, so
 * the other half is free whenever `take` answers something. While the socket owns one half, the
 * other fills. Nothing is allocated per frame; `take` makes one view per write.
 *
 * The array is large, and most links are idle. It is therefore neither cleared nor touched at
 * birth: bytes are cleared before their first use, and a drained buffer starts again at offset 0,
 * so that a link which never has much to say has one resident page.
 */
import { Buffer } from 'node:buffer';
import { assert } from '../../core/assert.js';
import { ClaimRefusal } from '../../core/transport.js';
import { headerBytes, recordBytes } from './framing.js';

/** How much is cleared at a time: little, since the first use may be the only one. */
const clearBytes = 1024;

/** Offsets into the array. */
interface Half {
  readonly start: number;
  readonly end: number;
  /** From here to `end` lies whatever this memory was used for before. It never leaves. */
  clearedEnd: number;
}

export class SendBuffer {
  /** `claim` answers offsets into this. */
  readonly bytes: Uint8Array;

  readonly #view: DataView;
  readonly #first: Half;
  readonly #recordBytesMax: number = 0;
  #active: Half;
  #other: Half;
  /** What is committed but not taken: the active half from here to `#committed`. */
  #taken = 0;
  #committed = 0;
  /** Payload bytes of the open claim, whose record starts at `#committed`; 0 if none is open. */
  #claimedBytes = 0;
  #isWriting = false;

  /** Two halves of `halfBytes`, a multiple of 4 with room for a frame of `frameBytesMax`. */
  constructor(frameBytesMax: number, halfBytes: number) {
    assert(halfBytes % 4 === 0, 'records are aligned in both halves');
    assert(halfBytes >= recordBytes(frameBytesMax), 'a half holds the largest frame');
    const { buffer } = Buffer.allocUnsafeSlow(2 * halfBytes);
    this.bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#first = { start: 0, end: halfBytes, clearedEnd: 0 };
    this.#recordBytesMax = recordBytes(frameBytesMax);
    this.#active = this.#first;
    this.#other = { start: halfBytes, end: 2 * halfBytes, clearedEnd: halfBytes };
  }

  /** True from `take` to `written`. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** True if a frame of any legal length would be accepted now. */
  get hasRoom(): boolean {
    return this.#active.end - this.#committed >= this.#recordBytesMax;
  }

  /** Offset of the payload, a multiple of 4, or `BackPressured`. */
  // HOT:
  claim(byteLength: number): number {
    assert(this.#claimedBytes === 0, 'one claim at a time', 'BAD_ARGUMENT');
    const start = this.#committed;
    const end = start + recordBytes(byteLength);
    if (end > this.#active.end) return ClaimRefusal.BackPressured;
    if (end > this.#active.clearedEnd) this.#clearTo(end);
    this.#claimedBytes = byteLength;
    return start + headerBytes;
  }

  /** Writes header and padding; who fills a claim by whole words may write past its end. */
  // HOT:
  commit(): void {
    const byteLength = this.#claimedBytes;
    assert(byteLength > 0, 'commit without a claim', 'BAD_ARGUMENT');
    const start = this.#committed;
    const usedBytes = byteLength & 3;
    if (usedBytes !== 0) {
      const lastWord = start + headerBytes + byteLength - usedBytes;
      const keptBits = (1 << (usedBytes * 8)) - 1;
      this.#view.setInt32(lastWord, this.#view.getInt32(lastWord, true) & keptBits, true);
    }
    this.#view.setInt32(start, byteLength, true);
    this.#committed = start + recordBytes(byteLength);
    this.#claimedBytes = 0;
  }

  abort(): void {
    assert(this.#claimedBytes > 0, 'abort without a claim', 'BAD_ARGUMENT');
    this.#claimedBytes = 0;
    this.#rewind();
  }

  /** What to write now, owned by the writer until `written`; undefined if nothing, or not yet. */
  take(): Buffer | undefined {
    if (this.#isWriting) return undefined;
    const chunk = this.takeRest();
    if (chunk === undefined) return undefined;
    this.#isWriting = true;
    // An open claim pins its half: then the rest of this half is taken next time.
    if (this.#claimedBytes === 0) this.#startOn(this.#other);
    return chunk;
  }

  /** For the last write: all that is committed, without waiting for the write that is under way. */
  takeRest(): Buffer | undefined {
    const byteLength = this.#committed - this.#taken;
    if (byteLength === 0) return undefined;
    const chunk = Buffer.from(this.#view.buffer, this.#taken, byteLength);
    this.#taken = this.#committed;
    return chunk;
  }

  /** The socket needs the bytes of the last `take` no more. */
  written(): void {
    assert(this.#isWriting, 'written without a write');
    this.#isWriting = false;
    this.#rewind();
  }

  #rewind(): void {
    const isDrained = this.#taken === this.#committed && !this.#isWriting;
    if (isDrained && this.#claimedBytes === 0) this.#startOn(this.#first);
  }

  #startOn(half: Half): void {
    if (half !== this.#active) {
      this.#other = this.#active;
      this.#active = half;
    }
    this.#taken = half.start;
    this.#committed = half.start;
  }

  #clearTo(end: number): void {
    const half = this.#active;
    const clearedEnd = Math.min(half.end, Math.ceil(end / clearBytes) * clearBytes);
    this.bytes.fill(0, half.clearedEnd, clearedEnd);
    half.clearedEnd = clearedEnd;
  }
}
