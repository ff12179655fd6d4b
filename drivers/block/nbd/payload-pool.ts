/**
 * PayloadPool: memory for the data of requests, used again and again, by powers of two.
 *
 * New memory is not cleared: a request's data comes from the device or the client, whole, before
 * anybody sees it. A page of it that nobody fills is never touched, so to announce a long write and
 * send nothing costs an address range.
 */
import { assert } from 'idc/contract';

const smallestShift = 12;
/** Of what is not in use so much is kept. */
const idleBytesMax = 32 << 20;

export class Payload {
  /** Of a power of two. */
  readonly bytes: Buffer;
  /** The beginning of `bytes` that the request is about. */
  data: Buffer;

  constructor(byteLength: number) {
    this.bytes = Buffer.allocUnsafeSlow(byteLength);
    this.data = this.bytes;
  }
}

export class PayloadPool {
  /** By the shift of their length. */
  readonly #idle: Payload[][] = [];
  #idleBytes = 0;
  #usedCount = 0;

  /** Payloads that were taken and not given back. */
  get usedCount(): number {
    return this.#usedCount;
  }

  /** `data` is of `byteLength`, which is not 0. */
  // HOT:
  take(byteLength: number): Payload {
    const shift = shiftOf(byteLength);
    this.#usedCount += 1;
    let payload = this.#idle[shift]?.pop();
    if (payload === undefined) payload = new Payload(1 << shift);
    else this.#idleBytes -= payload.bytes.byteLength;
    if (payload.data.byteLength !== byteLength)
      payload.data = payload.bytes.subarray(0, byteLength);
    return payload;
  }

  // HOT:
  give(payload: Payload): void {
    this.#usedCount -= 1;
    assert(this.#usedCount >= 0, 'what is given back was taken');
    const { byteLength } = payload.bytes;
    if (this.#idleBytes + byteLength > idleBytesMax) return;
    this.#idleBytes += byteLength;
    const shift = shiftOf(byteLength);
    const idle = this.#idle[shift];
    if (idle === undefined) this.#idle[shift] = [payload];
    else idle.push(payload);
  }
}

/** Of the smallest power of two that holds `byteLength`. */
function shiftOf(byteLength: number): number {
  return Math.max(smallestShift, 32 - Math.clz32(byteLength - 1));
}
