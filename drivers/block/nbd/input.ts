/**
 * Input: what a client sent and nobody has used yet.
 *
 * The socket always reads to the same place; what was left over from before is moved in front of
 * it, so it lies in one piece. One byte more than `carryBytes` is never left over: the connection
 * reads on only once what is there is used, all but the beginning of a message.
 */
import { assert } from 'idc/contract';

/** What one read brings at most. */
const readBytesMax = 65536;
/** As much as one read and the beginning of a message before it. */
const carryBytes = readBytesMax + 32768;

/** The longest message that may be waited for. */
export const messageBytesMax = 32768;

export class Input {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly #place: Buffer;
  #start = carryBytes;
  #end = carryBytes;

  constructor() {
    this.bytes = Buffer.allocUnsafeSlow(carryBytes + readBytesMax);
    this.view = new DataView(this.bytes.buffer);
    this.#place = this.bytes.subarray(carryBytes);
  }

  /** Where the next unused byte is in `bytes` and `view`. */
  get start(): number {
    return this.#start;
  }

  get byteLength(): number {
    return this.#end - this.#start;
  }

  /** Where to read to. What is there and unused moves, so `start` changes. */
  // HOT:
  place(): Buffer {
    const { byteLength } = this;
    assert(byteLength <= carryBytes, 'what is left over fits in front of the next read');
    if (byteLength > 0) this.bytes.copyWithin(carryBytes - byteLength, this.#start, this.#end);
    this.#start = carryBytes - byteLength;
    this.#end = carryBytes;
    return this.#place;
  }

  /** So many bytes were read to the last `place`. */
  // HOT:
  landed(byteLength: number): void {
    assert(this.#end === carryBytes, 'one read for one place');
    this.#end += byteLength;
  }

  // HOT:
  use(byteLength: number): void {
    assert(byteLength <= this.byteLength, 'only what is there is used');
    this.#start += byteLength;
  }

  /** Copies up to what `target` has room for, from `start` on; answers how much it was. */
  // HOT:
  moveTo(target: Uint8Array, start: number): number {
    const byteLength = Math.min(this.byteLength, target.byteLength - start);
    this.bytes.copy(target, start, this.#start, this.#start + byteLength);
    this.#start += byteLength;
    return byteLength;
  }
}
