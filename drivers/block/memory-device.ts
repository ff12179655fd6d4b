/**
 * MemoryDevice: a block device in this process's memory. Chunks that were never written, or were
 * discarded whole, take none. Every operation is complete when it returns.
 */
import { Subject, type Observable } from 'rxjs';
import { assert } from 'idc/contract';
import type { BlockDevice, Done, Extent, WriteZeroesOptions } from './block-device.js';
import { BlockErrorCode } from './block-error.js';
import { appendExtent, assertGeometry, checkRange, describeRange, refuse } from './block-range.js';

export interface MemoryDeviceOptions {
  readonly byteLength: number;
  /** Default 1. */
  readonly blockBytes?: number;
  /** How much memory is taken and given back at a time: a power of two; default 65536. */
  readonly chunkBytes?: number;
  /** Most memory for chunks; beyond it a write ends as NO_SPACE. Default: no limit. */
  readonly allocatedBytesMax?: number;
}

const chunkBytesDefault = 65536;

/** One call looks at so many, lest a petabyte of nothing takes long. */
const chunksPerStatusMax = 65536;

export function createMemoryDevice(options: MemoryDeviceOptions): MemoryDevice {
  return new MemoryDevice(options);
}

export class MemoryDevice implements BlockDevice {
  readonly blockBytes: number;
  readonly isReadOnly = false;
  readonly resize$: Observable<number>;

  readonly #chunkBytes: number;
  readonly #chunksMax: number;
  /** By index; what is not here reads as zeroes. */
  readonly #chunks = new Map<number, Uint8Array>();
  readonly #resize = new Subject<number>();
  #byteLength: number;
  #isClosed = false;

  constructor(options: MemoryDeviceOptions) {
    const { byteLength, blockBytes = 1, chunkBytes = chunkBytesDefault } = options;
    assertGeometry(byteLength, blockBytes);
    assert(
      chunkBytes >= blockBytes && (chunkBytes & (chunkBytes - 1)) === 0,
      'a chunk is a power of two and no smaller than a block',
      'BAD_ARGUMENT',
    );
    this.blockBytes = blockBytes;
    this.#byteLength = byteLength;
    this.#chunkBytes = chunkBytes;
    this.#chunksMax = Math.floor((options.allocatedBytesMax ?? Infinity) / chunkBytes);
    this.resize$ = this.#resize.asObservable();
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Memory that chunks take now. */
  get allocatedBytes(): number {
    return this.#chunks.size * this.#chunkBytes;
  }

  // HOT:
  read(offset: number, target: Uint8Array): Done {
    const refusal = this.#check(offset, target.byteLength);
    if (refusal !== undefined) return refusal;
    let done = 0;
    while (done < target.byteLength) {
      const start = (offset + done) % this.#chunkBytes;
      const count = Math.min(this.#chunkBytes - start, target.byteLength - done);
      const chunk = this.#chunks.get(this.#indexOf(offset + done));
      if (chunk === undefined) target.fill(0, done, done + count);
      else target.set(chunk.subarray(start, start + count), done);
      done += count;
    }
    return undefined;
  }

  // HOT:
  write(offset: number, source: Uint8Array): Done {
    const refusal = this.#check(offset, source.byteLength);
    if (refusal !== undefined) return refusal;
    let done = 0;
    while (done < source.byteLength) {
      const start = (offset + done) % this.#chunkBytes;
      const count = Math.min(this.#chunkBytes - start, source.byteLength - done);
      const chunk = this.#obtain(this.#indexOf(offset + done));
      if (chunk === undefined) return this.#outOfSpace();
      chunk.set(source.subarray(done, done + count), start);
      done += count;
    }
    return undefined;
  }

  /** Memory has no stable storage behind it: what is written is as stable as it will ever be. */
  flush(): Done {
    return this.#isClosed ? this.#check(0, 0) : undefined;
  }

  discard(offset: number, byteLength: number): Done {
    const refusal = this.#check(offset, byteLength);
    if (refusal === undefined) this.#forget(offset, byteLength);
    return refusal;
  }

  writeZeroes(offset: number, byteLength: number, options: WriteZeroesOptions = {}): Done {
    const refusal = this.#check(offset, byteLength);
    if (refusal !== undefined) return refusal;
    if (options.mayDiscard === true) {
      this.#forget(offset, byteLength);
      return undefined;
    }
    let done = 0;
    while (done < byteLength) {
      const start = (offset + done) % this.#chunkBytes;
      const count = Math.min(this.#chunkBytes - start, byteLength - done);
      const chunk = this.#obtain(this.#indexOf(offset + done));
      if (chunk === undefined) return this.#outOfSpace();
      chunk.fill(0, start, start + count);
      done += count;
    }
    return undefined;
  }

  status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    assert(byteLength > 0, 'the status of nothing', 'BAD_ARGUMENT');
    const refusal = this.#check(offset, byteLength);
    if (refusal !== undefined) return refusal;
    const extents: Extent[] = [];
    const endOfWalk = Math.min(byteLength, chunksPerStatusMax * this.#chunkBytes);
    for (let done = 0; done < endOfWalk;) {
      const start = (offset + done) % this.#chunkBytes;
      const count = Math.min(this.#chunkBytes - start, byteLength - done);
      const isHole = !this.#chunks.has(this.#indexOf(offset + done));
      appendExtent(extents, { byteLength: count, isHole, isZero: isHole });
      done += count;
    }
    return Promise.resolve(extents);
  }

  /** Makes it longer, by zeroes, or shorter. A whole number of blocks. */
  resize(byteLength: number): void {
    assertGeometry(byteLength, this.blockBytes);
    assert(!this.#isClosed, 'a closed device keeps its size', 'BAD_ARGUMENT');
    if (byteLength === this.#byteLength) return;
    if (byteLength < this.#byteLength) this.#forget(byteLength, this.#byteLength - byteLength);
    this.#byteLength = byteLength;
    this.#resize.next(byteLength);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#chunks.clear();
    this.#resize.complete();
    return Promise.resolve();
  }

  #check(offset: number, byteLength: number): Promise<never> | undefined {
    if (this.#isClosed) return refuse(BlockErrorCode.Closed, 'the memory was given back');
    const code = checkRange(this, offset, byteLength);
    return code && refuse(code, describeRange(this, offset, byteLength));
  }

  #indexOf(offset: number): number {
    return Math.floor(offset / this.#chunkBytes);
  }

  /** The chunk to write to; undefined if there is no room for it. */
  #obtain(index: number): Uint8Array | undefined {
    const found = this.#chunks.get(index);
    if (found !== undefined) return found;
    if (this.#chunks.size >= this.#chunksMax) return undefined;
    const chunk = new Uint8Array(this.#chunkBytes);
    this.#chunks.set(index, chunk);
    return chunk;
  }

  #outOfSpace(): Promise<never> {
    return refuse(BlockErrorCode.NoSpace, `${this.allocatedBytes} bytes of memory are taken`);
  }

  /** Gives whole chunks back and zeroes the rest, as far as that takes memory. */
  #forget(offset: number, byteLength: number): void {
    const end = offset + byteLength;
    const first = Math.ceil(offset / this.#chunkBytes);
    const last = this.#indexOf(end);
    if (first > last) {
      this.#zero(offset, end);
      return;
    }
    this.#zero(offset, first * this.#chunkBytes);
    this.#zero(last * this.#chunkBytes, end);
    if (last - first < this.#chunks.size) {
      for (let index = first; index < last; index++) this.#chunks.delete(index);
      return;
    }
    for (const index of this.#chunks.keys()) {
      if (index >= first && index < last) this.#chunks.delete(index);
    }
  }

  /** Within one chunk, which need not be there. */
  #zero(offset: number, end: number): void {
    if (offset === end) return;
    const start = offset % this.#chunkBytes;
    this.#chunks.get(this.#indexOf(offset))?.fill(0, start, start + end - offset);
  }
}
