/**
 * WriteTracker: which blocks of a buffer remote writes touched since the last time somebody asked
 * (B10). One bit for each 4 KiB block.
 *
 * Marking and taking are whole steps of one thread, so no write is lost between two takings. What
 * is still landing when it is taken is to be marked again by whoever lets it land.
 */

/** Size of a block, in bytes; the last one of a buffer may be shorter. */
export const writtenBlockBytes = 4096;

const bitsPerWord = 32;

/** A part of a buffer. */
export interface ByteRange {
  readonly offset: number;
  readonly byteLength: number;
}

export class WriteTracker {
  readonly #byteLength: number;
  readonly #words: Uint32Array;

  /** Tracks a buffer of that many bytes; takes 1 bit for each 4 KiB of it. */
  constructor(byteLength: number) {
    this.#byteLength = byteLength;
    const blockCount = Math.ceil(byteLength / writtenBlockBytes);
    this.#words = new Uint32Array(Math.ceil(blockCount / bitsPerWord));
  }

  /** HOT: notes that the bytes were touched, or are about to be. */
  mark(offset: number, byteLength: number): void {
    if (byteLength === 0) return;
    const first = Math.floor(offset / writtenBlockBytes);
    const last = Math.floor((offset + byteLength - 1) / writtenBlockBytes);
    const words = this.#words;
    const firstWord = first >>> 5;
    const lastWord = last >>> 5;
    const fromFirst = -1 << (first & 31);
    const throughLast = -1 >>> (31 - (last & 31));
    if (firstWord === lastWord) {
      words[firstWord] = (words[firstWord] ?? 0) | (fromFirst & throughLast);
      return;
    }
    words[firstWord] = (words[firstWord] ?? 0) | fromFirst;
    words.fill(-1, firstWord + 1, lastWord);
    words[lastWord] = (words[lastWord] ?? 0) | throughLast;
  }

  /** The blocks marked since the last call, neighbours joined, in order; forgets them. */
  take(): ByteRange[] {
    const ranges: ByteRange[] = [];
    let start = -1;
    for (let index = 0; index < this.#words.length; index++) {
      const word = this.#words[index] ?? 0;
      const isUniform = word === 0 ? start < 0 : word === 0xffff_ffff && start >= 0;
      if (isUniform) continue;
      for (let bit = 0; bit < bitsPerWord; bit++) {
        const isMarked = ((word >>> bit) & 1) === 1;
        if (isMarked === start >= 0) continue;
        const block = index * bitsPerWord + bit;
        if (!isMarked) ranges.push(this.#rangeOf(start, block));
        start = isMarked ? block : -1;
      }
    }
    if (start >= 0) ranges.push(this.#rangeOf(start, Infinity));
    this.#words.fill(0);
    return ranges;
  }

  #rangeOf(firstBlock: number, endBlock: number): ByteRange {
    const offset = firstBlock * writtenBlockBytes;
    const end = Math.min(endBlock * writtenBlockBytes, this.#byteLength);
    return { offset, byteLength: end - offset };
  }
}
