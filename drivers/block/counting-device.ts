/** A device over another that counts what goes through, for tests and whoever wants to know. */
import type { Observable } from 'rxjs';
import type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from './block-device.js';

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

class Counter implements CountingDevice {
  readonly #device: BlockDevice;
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

  constructor(device: BlockDevice) {
    this.#device = device;
  }

  get byteLength(): number {
    return this.#device.byteLength;
  }

  get blockBytes(): number {
    return this.#device.blockBytes;
  }

  get isReadOnly(): boolean {
    return this.#device.isReadOnly;
  }

  get resize$(): Observable<number> {
    return this.#device.resize$;
  }

  counts(): BlockCounts {
    return { ...this.#counts };
  }

  read(offset: number, target: Uint8Array): Done {
    this.#counts.reads += 1;
    this.#counts.readBytes += target.byteLength;
    return this.#watch(this.#device.read(offset, target));
  }

  write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    this.#counts.writes += 1;
    this.#counts.writtenBytes += source.byteLength;
    if (options?.fua === true) this.#counts.fuas += 1;
    return this.#watch(this.#device.write(offset, source, options));
  }

  flush(): Done {
    this.#counts.flushes += 1;
    return this.#watch(this.#device.flush());
  }

  discard(offset: number, byteLength: number): Done {
    this.#counts.discards += 1;
    this.#counts.discardedBytes += byteLength;
    return this.#watch(this.#device.discard(offset, byteLength));
  }

  writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    this.#counts.zeroWrites += 1;
    this.#counts.zeroedBytes += byteLength;
    if (options?.fua === true) this.#counts.fuas += 1;
    return this.#watch(this.#device.writeZeroes(offset, byteLength, options));
  }

  status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    this.#counts.statuses += 1;
    return this.#watch(this.#device.status(offset, byteLength));
  }

  close(): Promise<void> {
    return this.#device.close();
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
