/**
 * OutputTail: the last bytes of a stream, each known by its position since the beginning. Viewers
 * read from it at their own pace; who is too slow finds what it wants gone.
 */
export class OutputTail {
  readonly #bytes: Uint8Array;
  #end = 0;

  constructor(byteLengthMax: number) {
    this.#bytes = new Uint8Array(byteLengthMax);
  }

  /** The position of the first byte that is still here. */
  get start(): number {
    return Math.max(0, this.#end - this.#bytes.length);
  }

  /** The position behind the last byte. */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    const kept = bytes.subarray(Math.max(0, bytes.length - this.#bytes.length));
    this.#end += bytes.length - kept.length;
    const at = this.#end % this.#bytes.length;
    const first = kept.subarray(0, this.#bytes.length - at);
    this.#bytes.set(first, at);
    this.#bytes.set(kept.subarray(first.length), 0);
    this.#end += kept.length;
  }

  /** A copy of at most so many bytes from `position` on; undefined if they are gone. */
  read(position: number, byteLengthMax: number): Uint8Array | undefined {
    if (position < this.start || position > this.#end) return undefined;
    const byteLength = Math.min(byteLengthMax, this.#end - position);
    const at = position % this.#bytes.length;
    const read = new Uint8Array(byteLength);
    const first = this.#bytes.subarray(at, Math.min(at + byteLength, this.#bytes.length));
    read.set(first);
    read.set(this.#bytes.subarray(0, byteLength - first.length), first.length);
    return read;
  }
}
