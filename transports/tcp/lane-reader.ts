/**
 * LaneReader: the incoming half of a bulk lane. It says where the next read of the socket goes:
 * straight into a target, or to the staging area, from where what came is taken apart.
 *
 * Law N5 decides which. libuv reads into a place that was prepared in the callback of the read
 * before, and it does so at once only if that read filled its place; otherwise it waits for the
 * socket first, and anything may happen meanwhile. So a target is prepared
 * - after a full read only, in a burst of fewer reads than libuv makes before it looks elsewhere;
 * - in a callback in which the sink was asked but told nothing: when a callback has returned, what
 *   it made ready to run runs before libuv goes on reading;
 * - and if libuv then finds nothing to read it says so (`watchEmptyReads`), and the place changes.
 *
 * After any other read the staging area comes first, and what comes is copied. It is small, and
 * shared by all lanes and links of a transport, since each read is parsed to its end.
 */
import { assert } from '../../core/assert.js';
import type { LaneBytes } from '../../core/bulk-lane.js';
import { byteLengthOf, ByteWalk } from './byte-walk.js';
import {
  bodyBytesOf,
  headerBytesOf,
  prefixBytes,
  preambleBytes,
  preambleWord,
  recordHeadBytesMax,
} from './lane-wire.js';

/** Bytes that are copied after each wait, of which the first tell whether there are more. */
const stagingBytes = 16 * 1024;
/** With fewer bytes to come, a copy costs less than a read of their own. */
const directBytesMin = 16 * 1024;
/** Most bytes of one read. */
const directBytesMax = 512 * 1024;
/** Full reads in a row after which none is direct; libuv makes 32 reads in a row. */
const burstReadsMax = 24;

/** What a reader asks and tells, as a `LaneSink`. Any of them may `release` the reader. */
export interface LaneReaderSink {
  /** The peer's preamble came. */
  greeted(): void;
  targetFor(header: Uint8Array, byteLength: number): LaneBytes | undefined;
  mayProceed(header: Uint8Array): boolean;
  bodyLanded(header: Uint8Array): void;
}

export class LaneReader {
  readonly #sink: LaneReaderSink;
  /** With direct reads only the beginning of it is used. */
  readonly #area: Uint8Array;
  #staging: Uint8Array;
  #isDirect = false;

  /** The preamble, or prefix and header of a record, as far as they came. */
  readonly #head: Uint8Array = new Uint8Array(recordHeadBytesMax);
  readonly #headView: DataView = new DataView(this.#head.buffer);
  #headBytes = 0;
  #wantedHeadBytes: number;
  #isPreambleDue: boolean;
  /** The header of the body that arrives: a view of `#head`. */
  #header: Uint8Array = this.#head.subarray(prefixBytes);

  readonly #target: ByteWalk = new ByteWalk();
  /** What is still to come of the body. */
  #bodyBytes = 0;
  /** The body has a target, which is still good. */
  #isWanted = false;
  #isInBody = false;

  /** Where the last read was to go. */
  #place: Uint8Array;
  #isPlaceDirect = false;
  /** Full reads that libuv may have made in a row. */
  #burstReads = 0;
  /** The next read follows at once, and nothing runs before it. */
  #mayReadDirectly = false;
  /** How often the sink was told something, modulo 2^30. */
  #tellings = 0;
  #isReleased = false;

  /** `area`: where a read may go that is parsed at once. */
  constructor(sink: LaneReaderSink, area: Uint8Array, isPreambleDue: boolean) {
    this.#sink = sink;
    this.#area = area;
    this.#staging = area;
    this.#place = area;
    this.#isPreambleDue = isPreambleDue;
    this.#wantedHeadBytes = isPreambleDue ? preambleBytes : prefixBytes;
  }

  /** True if a stream that ends now has lost nothing. */
  get isBetweenRecords(): boolean {
    return !this.#isInBody && this.#headBytes === 0 && !this.#isPreambleDue;
  }

  /** From now on `idle` is called whenever libuv has found nothing to read. */
  readDirectly(): void {
    this.#isDirect = true;
    this.#staging = this.#area.subarray(0, stagingBytes);
  }

  /** Where the next read goes. */
  // HOT:
  place(): Uint8Array {
    const isWorthIt = this.#mayReadDirectly && this.#target.stretchBytes >= directBytesMin;
    const isDirect = isWorthIt && this.#proceeds();
    this.#mayReadDirectly = false;
    this.#isPlaceDirect = isDirect;
    this.#place = isDirect ? this.#target.peek(directBytesMax) : this.#staging;
    return this.#place;
  }

  /** There was nothing to read; the answer replaces the last `place`. */
  idle(): Uint8Array {
    this.#burstReads = 0;
    this.#mayReadDirectly = false;
    return this.place();
  }

  /** The socket stops reading. When it goes on is not known; it may be in the same burst. */
  pause(): void {
    this.#mayReadDirectly = false;
  }

  /** Whatever burst there was is over. */
  turned(): void {
    this.#burstReads = 0;
  }

  /** `byteLength` bytes are in the last `place`. False if no legal peer sends them. */
  // HOT:
  landed(byteLength: number): boolean {
    const isFull = byteLength === this.#place.byteLength;
    this.#burstReads = isFull ? this.#burstReads + 1 : 0;
    const tellings = this.#tellings;
    const isLegal = this.#isPlaceDirect ? this.#landedDirectly(byteLength) : this.#take(byteLength);
    const isAtOnce = isFull && this.#burstReads < burstReadsMax && tellings === this.#tellings;
    this.#mayReadDirectly = this.#isDirect && this.#isWanted && isAtOnce;
    return isLegal;
  }

  /** Forgets everything; nothing is asked or told any more. */
  release(): void {
    this.#isReleased = true;
    this.#isWanted = false;
    this.#mayReadDirectly = false;
    this.#target.stop();
  }

  // HOT:
  #landedDirectly(byteLength: number): boolean {
    this.#target.advance(byteLength);
    this.#bodyBytes -= byteLength;
    if (this.#bodyBytes === 0) this.#endBody();
    return true;
  }

  /** Takes the staging area apart. */
  #take(byteLength: number): boolean {
    const bytes = this.#place;
    let start = 0;
    while (start < byteLength && !this.#isReleased) {
      if (this.#isInBody) {
        const end = Math.min(byteLength, start + this.#bodyBytes);
        this.#takeBody(bytes.subarray(start, end));
        start = end;
      } else {
        const end = Math.min(byteLength, start + this.#wantedHeadBytes - this.#headBytes);
        this.#head.set(bytes.subarray(start, end), this.#headBytes);
        this.#headBytes += end - start;
        start = end;
        if (this.#headBytes === this.#wantedHeadBytes && !this.#takeHead()) return false;
      }
    }
    return true;
  }

  #takeBody(bytes: Uint8Array): void {
    // Each copy is asked for anew: what was told meanwhile may have ended it.
    if (this.#proceeds()) this.#target.fill(bytes);
    if (this.#isReleased) return;
    this.#bodyBytes -= bytes.byteLength;
    if (this.#bodyBytes === 0) this.#endBody();
  }

  /** As much of the head as was waited for is there. */
  #takeHead(): boolean {
    if (this.#isPreambleDue) return this.#takePreamble();
    const headerBytes = headerBytesOf(this.#headView);
    const bodyBytes = bodyBytesOf(this.#headView);
    if (headerBytes < 0 || bodyBytes < 0) return false;
    if (this.#headBytes === prefixBytes) {
      this.#wantedHeadBytes = prefixBytes + headerBytes;
      return true;
    }
    if (this.#header.byteLength !== headerBytes) {
      this.#header = this.#head.subarray(prefixBytes, prefixBytes + headerBytes);
    }
    this.#startBody(bodyBytes);
    return true;
  }

  #takePreamble(): boolean {
    if (this.#headView.getInt32(0, true) !== preambleWord) return false;
    this.#isPreambleDue = false;
    this.#awaitHead();
    this.#noteTelling();
    this.#sink.greeted();
    return true;
  }

  #startBody(bodyBytes: number): void {
    this.#bodyBytes = bodyBytes;
    this.#isInBody = true;
    const target = this.#sink.targetFor(this.#header, bodyBytes);
    if (this.#isReleased) return;
    if (target !== undefined) {
      const isFit = byteLengthOf(target) === bodyBytes;
      assert(isFit, 'a target is as long as its body', 'BAD_ARGUMENT');
      this.#target.start(target, bodyBytes);
      this.#isWanted = true;
    }
    if (bodyBytes === 0) this.#endBody();
  }

  #endBody(): void {
    const isWanted = this.#isWanted;
    this.#isWanted = false;
    this.#isInBody = false;
    this.#awaitHead();
    if (!isWanted) return;
    this.#noteTelling();
    this.#sink.bodyLanded(this.#header);
  }

  #noteTelling(): void {
    this.#tellings = (this.#tellings + 1) & 0x3fff_ffff;
  }

  #awaitHead(): void {
    this.#headBytes = 0;
    this.#wantedHeadBytes = prefixBytes;
  }

  /** True if more of the body may be written into its target now, and only now. */
  // HOT:
  #proceeds(): boolean {
    if (!this.#isWanted) return false;
    if (this.#sink.mayProceed(this.#header)) return !this.#isReleased;
    this.#isWanted = false;
    this.#target.stop();
    return false;
  }
}
