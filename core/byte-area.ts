/**
 * ByteArea: one buffer seen as bytes and as 32-bit words, and the copy between two of them.
 *
 * The hot path copies short bodies word by word: `set(subarray(…))` allocates a view for each
 * body and was measured at a third of the rate. Long ones are worth the view. Views are made once
 * per buffer; an area never outlives the ownership of its buffer.
 */

/** Up to this many bytes are copied by words; beyond it, memmove wins over the price of a view. */
const wordCopyBytesMax = 512;

/** All buffers here are little-endian machines' words; a big-endian host fails at load. */
const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

export class ByteArea {
  readonly bytes: Uint8Array;
  /** Words from the first byte on. Empty if the bytes do not start at a multiple of 4. */
  readonly words: Int32Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const aligned = isLittleEndian && (bytes.byteOffset & 3) === 0;
    this.words = aligned
      ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)
      : new Int32Array(0);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  static allocate(byteLength: number): ByteArea {
    return new ByteArea(new Uint8Array((byteLength + 3) & ~3));
  }

  getWord(offset: number): number {
    return this.view.getInt32(offset, true);
  }

  setWord(offset: number, value: number): void {
    this.view.setInt32(offset, value, true);
  }
}

/**
 * The area of the buffer that a frame lies in. Two are remembered, since a transport may deliver
 * from two buffers in turn; one that uses more pays for an area at each change.
 */
export class AreaCache {
  #last: ByteArea = new ByteArea(new Uint8Array(0));
  #other: ByteArea = this.#last;

  /** HOT */
  areaOf(bytes: Uint8Array): ByteArea {
    return bytes === this.#last.bytes ? this.#last : this.#change(bytes);
  }

  #change(bytes: Uint8Array): ByteArea {
    const other = this.#other;
    this.#other = this.#last;
    this.#last = other.bytes === bytes ? other : new ByteArea(bytes);
    return this.#last;
  }
}

/** HOT: copies `byteLength` bytes between two areas that do not overlap. */
export function copyBytes(
  source: ByteArea,
  sourceOffset: number,
  target: ByteArea,
  targetOffset: number,
  byteLength: number,
): void {
  if (byteLength > wordCopyBytesMax) {
    target.bytes.set(source.bytes.subarray(sourceOffset, sourceOffset + byteLength), targetOffset);
    return;
  }
  const from = source.bytes;
  const to = target.bytes;
  let done = 0;
  if (((sourceOffset | targetOffset) & 3) === 0) {
    const fromWords = source.words;
    const toWords = target.words;
    let s = sourceOffset >> 2;
    let t = targetOffset >> 2;
    const wordsEnd = s + (byteLength >> 2);
    // An area without words has length 0, and then nothing is copied here but byte by byte below.
    if (wordsEnd <= fromWords.length && t + (byteLength >> 2) <= toWords.length) {
      // reason: in range by the check above; the flags make every typed-array read `| undefined`
      for (; s < wordsEnd; s++, t++) toWords[t] = fromWords[s]!;
      done = byteLength & ~3;
    }
  }
  // reason: callers hold both ranges; the flags make every typed-array read `| undefined`
  for (; done < byteLength; done++) to[targetOffset + done] = from[sourceOffset + done]!;
}
