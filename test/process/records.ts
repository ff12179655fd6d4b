/**
 * Records: where frames begin and end in a TCP byte stream, so that the line between two processes
 * can be broken at a chosen place of one.
 */
import { headerBytes, recordBytes } from '../../transports/tcp/framing.js';

/** RecordCursor: follows a stream and knows whether it is between two records. */
export class RecordCursor {
  readonly #head = Buffer.alloc(headerBytes);
  #headCount = 0;
  #leftCount = 0;

  /** The next byte begins a record. */
  get isAligned(): boolean {
    return this.#headCount === 0;
  }

  /** Follows `bytes` from `offset` to the next end of a record, or to the end; answers where. */
  advance(bytes: Buffer, offset: number): number {
    let at = offset;
    while (at < bytes.length) {
      if (this.#headCount < headerBytes) {
        this.#head.writeUInt8(bytes.readUInt8(at), this.#headCount);
        at++;
        this.#headCount++;
        if (this.#headCount < headerBytes) continue;
        this.#leftCount = recordBytes(this.#head.readInt32LE()) - headerBytes;
      } else {
        const step = Math.min(this.#leftCount, bytes.length - at);
        at += step;
        this.#leftCount -= step;
      }
      if (this.#leftCount > 0) continue;
      this.#headCount = 0;
      return at;
    }
    return at;
  }

  /** Follows all of `bytes`. */
  follow(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at = this.advance(bytes, at);
  }
}

/** The record at the beginning of `bytes`, if it is whole. */
export function firstRecord(bytes: Buffer): Buffer | undefined {
  if (bytes.length < headerBytes) return undefined;
  const byteLength = recordBytes(bytes.readInt32LE());
  return bytes.length < byteLength ? undefined : bytes.subarray(0, byteLength);
}
