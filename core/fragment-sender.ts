/**
 * FragmentSender: cuts one item that exceeds a frame into fragments and sends them as the link
 * takes them. There is one for requests and one for replies; each has one open item at most.
 *
 * Between two fragments any other frame may go out, so a long item never blocks a completion.
 * What the link did not take at once is copied into staging memory that was allocated with the
 * endpoint, since submitting hands the bytes over.
 */
import type { Bytes } from './api.js';
import { assert } from './assert.js';
import type { EpochWriter } from './epoch-writer.js';
import {
  FrameType,
  fragmentAbort,
  fragmentFirst,
  fragmentHeaderBytes,
  fragmentOfReply,
  headWord,
} from './frame.js';
import { byteLengthOf, gatherRange } from './local-buffer.js';

export class FragmentSender {
  readonly #streamFlag: number = 0;
  readonly #staging: Uint8Array;
  /** The item's own frame header, which travels at the head of its first fragment. */
  readonly #header = new Int32Array(3);
  #headerBytes = 0;
  #source: Bytes = new Uint8Array(0);
  /** How many bytes of the item lie before the first byte of `#source`. */
  #sourceStart = 0;
  #totalBytes = 0;
  #sentBytes = 0;
  #abortOwed = false;

  /** `stagingBytes`: the longest item body; 0 if nothing ever needs fragments. */
  constructor(stream: 'request' | 'reply', stagingBytes: number) {
    this.#streamFlag = stream === 'reply' ? fragmentOfReply : 0;
    this.#staging = new Uint8Array(stagingBytes);
  }

  /** True while an item, or its abort, has not been sent whole. No other item may start then. */
  get isBusy(): boolean {
    return this.#sentBytes < this.#totalBytes || this.#abortOwed;
  }

  /**
   * Starts an item. Answers false, with nothing sent, if the link takes no fragment now.
   * `isStable`: the caller keeps `body` unchanged until the item is sent, so it is not staged.
   */
  start(
    writer: EpochWriter,
    header: readonly [number, number, number],
    headerBytes: number,
    body: Bytes,
    isStable: boolean,
  ): boolean {
    assert(!this.isBusy, 'one item at a time');
    this.#header.set(header);
    this.#headerBytes = headerBytes;
    this.#source = body;
    this.#sourceStart = headerBytes;
    this.#totalBytes = headerBytes + byteLengthOf(body);
    this.#sentBytes = 0;
    if (this.pump(writer)) return true;
    if (this.#sentBytes === 0) {
      this.#forget();
      return false;
    }
    if (!isStable) this.#stage();
    return true;
  }

  /** Sends what the link takes. Answers true when nothing is left. */
  pump(writer: EpochWriter): boolean {
    if (this.#abortOwed) return this.#pumpAbort(writer);
    const room = writer.frameBytesMax - fragmentHeaderBytes;
    while (this.#sentBytes < this.#totalBytes) {
      const byteLength = Math.min(room, this.#totalBytes - this.#sentBytes);
      const offset = writer.link.claim(fragmentHeaderBytes + byteLength);
      if (offset < 0) return false;
      this.#write(writer, offset, byteLength);
      writer.link.commit();
      this.#sentBytes += byteLength;
    }
    if (this.#totalBytes > 0) this.#forget();
    return true;
  }

  /** Gives the open item up; the peer is told to forget what it has of it. */
  abort(writer: EpochWriter): void {
    assert(this.isBusy && !this.#abortOwed, 'an item is open');
    this.#forget();
    this.#abortOwed = true;
    this.#pumpAbort(writer);
  }

  /** The epoch is over: whatever was open never happened. */
  reset(): void {
    this.#forget();
    this.#abortOwed = false;
  }

  #write(writer: EpochWriter, offset: number, byteLength: number): void {
    const area = writer.area;
    const isFirst = this.#sentBytes === 0;
    const flags = this.#streamFlag | (isFirst ? fragmentFirst : 0);
    area.setWord(offset, headWord(FrameType.Fragment, flags, writer.epochTag));
    area.setWord(offset + 4, this.#totalBytes);
    area.setWord(offset + 8, this.#sentBytes);
    let at = offset + fragmentHeaderBytes;
    let bodyBytes = byteLength;
    if (isFirst) {
      for (const word of this.#header.subarray(0, this.#headerBytes >> 2)) {
        area.setWord(at, word);
        at += 4;
      }
      bodyBytes -= this.#headerBytes;
    }
    const from = Math.max(this.#sentBytes, this.#headerBytes) - this.#sourceStart;
    gatherRange(this.#source, from, bodyBytes, area.bytes, at);
  }

  #stage(): void {
    const left = this.#totalBytes - this.#sentBytes;
    const from = this.#sentBytes - this.#sourceStart;
    assert(left <= this.#staging.length, 'the staging holds the longest item');
    gatherRange(this.#source, from, left, this.#staging, 0);
    this.#source = this.#staging;
    this.#sourceStart = this.#sentBytes;
  }

  #pumpAbort(writer: EpochWriter): boolean {
    const offset = writer.link.claim(fragmentHeaderBytes);
    if (offset < 0) return false;
    const flags = this.#streamFlag | fragmentAbort;
    writer.area.setWord(offset, headWord(FrameType.Fragment, flags, writer.epochTag));
    writer.area.setWord(offset + 4, 0);
    writer.area.setWord(offset + 8, 0);
    writer.link.commit();
    this.#abortOwed = false;
    return true;
  }

  #forget(): void {
    this.#source = this.#staging;
    this.#sourceStart = 0;
    this.#totalBytes = 0;
    this.#sentBytes = 0;
  }
}
