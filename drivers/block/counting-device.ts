/** A device over another that counts what goes through, for tests and whoever wants to know. */
import type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from './block-device.js';
import { ForwardingDevice } from './forwarding-device.js';

/** Operations that were begun, and the bytes they named. */
export interface BlockCounts {
  readonly reads: number;
  readonly readBytes: number;
  readonly writes: number;
  readonly writtenBytes: number;
  /** Writes that asked for force unit access, with or without data. */
  readonly fuas: number;
  readonly flushes: number;
  readonly discards: number;
  readonly discardedBytes: number;
  readonly zeroWrites: number;
  readonly zeroedBytes: number;
  readonly statuses: number;
  /** Operations that were rejected. */
  readonly failures: number;
  /** Operations that are not complete, and the most at one time. */
  readonly outstanding: number;
  readonly outstandingMost: number;
}

export interface CountingDevice extends BlockDevice {
  /** A copy. */
  counts(): BlockCounts;
}

/** Closing it closes `device`. */
export function countDevice(device: BlockDevice): CountingDevice {
  return new Counter(device);
}

class Counter extends ForwardingDevice implements CountingDevice {
  readonly #counts = {
    reads: 0,
    readBytes: 0,
    writes: 0,
    writtenBytes: 0,
    fuas: 0,
    flushes: 0,
    discards: 0,
    discardedBytes: 0,
    zeroWrites: 0,
    zeroedBytes: 0,
    statuses: 0,
    failures: 0,
    outstanding: 0,
    outstandingMost: 0,
  };

  counts(): BlockCounts {
    return { ...this.#counts };
  }

  override read(offset: number, target: Uint8Array): Done {
    this.#counts.reads += 1;
    this.#counts.readBytes += target.byteLength;
    return this.#watch(super.read(offset, target));
  }

  override write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    this.#counts.writes += 1;
    this.#counts.writtenBytes += source.byteLength;
    if (options?.fua === true) this.#counts.fuas += 1;
    return this.#watch(super.write(offset, source, options));
  }

  override flush(): Done {
    this.#counts.flushes += 1;
    return this.#watch(super.flush());
  }

  override discard(offset: number, byteLength: number): Done {
    this.#counts.discards += 1;
    this.#counts.discardedBytes += byteLength;
    return this.#watch(super.discard(offset, byteLength));
  }

  override writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    this.#counts.zeroWrites += 1;
    this.#counts.zeroedBytes += byteLength;
    if (options?.fua === true) this.#counts.fuas += 1;
    return this.#watch(super.writeZeroes(offset, byteLength, options));
  }

  override status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    this.#counts.statuses += 1;
    return this.#watch(super.status(offset, byteLength));
  }

  #watch<Result extends Promise<unknown> | undefined>(result: Result): Result {
    const counts = this.#counts;
    counts.outstandingMost = Math.max(counts.outstandingMost, counts.outstanding + 1);
    if (result === undefined) return result;
    counts.outstanding += 1;
    const ended = (): void => {
      counts.outstanding -= 1;
    };
    result.then(ended, () => {
      ended();
      counts.failures += 1;
    });
    return result;
  }
}
