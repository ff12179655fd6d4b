/**
 * PayloadPool: memory for the data of requests, used again and again, by powers of two.
 *
 * New memory is not cleared: a request's data comes from the device or the client, whole, before
 * anybody sees it. A page of it that nobody fills is never touched, so to announce a long write and
 * send nothing costs an address range.
 */
import { assert } from 'idc/contract';
import type { DeviceMemory } from '../device-memory.js';

const smallestShift = 12;
/** Of what is not in use so much is kept. */
const idleBytesMax = 32 << 20;

export class Payload {
  readonly bytes: Buffer;
  /** The beginning of `bytes` that the request is about. */
  data: Buffer;
  /** Whose memory it is; undefined if it is the pool's, and of a power of two. */
  readonly memory: DeviceMemory | undefined;

  constructor(bytes: Buffer, memory: DeviceMemory | undefined) {
    this.bytes = bytes;
    this.data = bytes;
    this.memory = memory;
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

  /** `data` is of `byteLength`, which is not 0; from `memory`, if that has as much. */
  // HOT:
  take(byteLength: number, memory?: DeviceMemory): Payload {
    this.#usedCount += 1;
    const lent = memory?.take(byteLength);
    if (lent !== undefined) {
      return new Payload(Buffer.from(lent.buffer, lent.byteOffset, byteLength), memory);
    }
    const shift = shiftOf(byteLength);
    let payload = this.#idle[shift]?.pop();
    if (payload === undefined) payload = new Payload(Buffer.allocUnsafeSlow(1 << shift), undefined);
    else this.#idleBytes -= payload.bytes.byteLength;
    if (payload.data.byteLength !== byteLength)
      payload.data = payload.bytes.subarray(0, byteLength);
    return payload;
  }

  // HOT:
  give(payload: Payload): void {
    this.#usedCount -= 1;
    assert(this.#usedCount >= 0, 'what is given back was taken');
    if (payload.memory !== undefined) {
      payload.memory.give(payload.bytes);
      return;
    }
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
