/**
 * FragmentJoiner: puts one stream's fragments together again, straight into the memory that the
 * quota reserved for the item. A fragment that no legal sender makes is answered with `Corrupt`.
 */
import { copyBytes, type ByteArea } from './byte-area.js';
import { fragmentAbort, fragmentFirst, fragmentHeaderBytes, flagsOf } from './frame.js';

/** What `take` found. */
export const Joined = { Corrupt: -1, Partial: 0, First: 1, Whole: 2, Aborted: 3 } as const;
export type Joined = (typeof Joined)[keyof typeof Joined];

export class FragmentJoiner {
  #totalBytes = 0;
  #receivedBytes = 0;
  #headerBytes = 0;
  #target: ByteArea | undefined = undefined;
  #targetOffset = 0;

  /** True between the first and the last fragment of an item. */
  get isOpen(): boolean {
    return this.#totalBytes > 0;
  }

  /** Bytes of the whole item, from `First` on: the fragment's own word may say more by now. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Bytes of the item's body; while it is open. */
  get bodyBytes(): number {
    return this.#totalBytes - this.#headerBytes;
  }

  reset(): void {
    this.#totalBytes = 0;
    this.#receivedBytes = 0;
    this.#target = undefined;
  }

  /**
   * Takes a fragment whose frame starts at `offset`. `First` asks the caller to read the item's
   * header behind the fragment's and then to call `begin`.
   */
  take(area: ByteArea, offset: number, byteLength: number): Joined {
    if (byteLength < fragmentHeaderBytes) return Joined.Corrupt;
    const flags = flagsOf(area.getWord(offset));
    const totalBytes = area.getWord(offset + 4);
    const itemOffset = area.getWord(offset + 8);
    if ((flags & fragmentAbort) !== 0) {
      return this.isOpen && byteLength === fragmentHeaderBytes ? Joined.Aborted : Joined.Corrupt;
    }
    const pieceBytes = byteLength - fragmentHeaderBytes;
    if (pieceBytes === 0) return Joined.Corrupt;
    if ((flags & fragmentFirst) !== 0) {
      if (this.isOpen || itemOffset !== 0 || totalBytes <= pieceBytes) return Joined.Corrupt;
      this.#totalBytes = totalBytes;
      return Joined.First;
    }
    if (!this.isOpen || totalBytes !== this.#totalBytes || itemOffset !== this.#receivedBytes) {
      return Joined.Corrupt;
    }
    if (pieceBytes > totalBytes - itemOffset) return Joined.Corrupt;
    this.#append(area, offset + fragmentHeaderBytes, pieceBytes);
    return this.#receivedBytes === totalBytes ? Joined.Whole : Joined.Partial;
  }

  /** After `First`: where the body goes. The rest of the fragment at `offset` is copied there. */
  begin(
    headerBytes: number,
    target: ByteArea,
    targetOffset: number,
    area: ByteArea,
    offset: number,
    byteLength: number,
  ): void {
    this.#headerBytes = headerBytes;
    this.#receivedBytes = headerBytes;
    this.#target = target;
    this.#targetOffset = targetOffset;
    const from = fragmentHeaderBytes + headerBytes;
    this.#append(area, offset + from, byteLength - from);
  }

  #append(area: ByteArea, offset: number, byteLength: number): void {
    if (this.#target !== undefined) {
      const at = this.#targetOffset + this.#receivedBytes - this.#headerBytes;
      copyBytes(area, offset, this.#target, at, byteLength);
    }
    this.#receivedBytes += byteLength;
  }
}
