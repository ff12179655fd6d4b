/**
 * FileDevice: a block device in a file, which stays sparse where the file system can.
 *
 * Bytes go between the file and the caller's memory without a copy in between. Short reads of what
 * the kernel has in memory, and short writes, are complete at once as a rule; what has to wait for
 * the storage waits on a thread of the pool, so that a slow disk delays nobody but those who use
 * it. Two devices must not be open on one file.
 */
import type { FileHandle } from 'node:fs/promises';
import { Subject, type Observable } from 'rxjs';
import { assert } from 'idc/contract';
import type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from '../block-device.js';
import { BlockErrorCode } from '../block-error.js';
import { assertGeometry, checkRange, describeRange, refuse } from '../block-range.js';
import type { FileCalls } from './file-calls.js';
import { findExtents } from './file-extents.js';
import {
  blockErrorOf,
  readRest,
  writeNow,
  writeRest,
  writeZeroBytes,
  type Settle,
} from './file-transfer.js';
import { Operations } from './operations.js';
import { Patience } from './patience.js';
import { SharedFlush } from './shared-flush.js';

/** Up to here copying what the kernel has costs less than waking a thread. */
const readAtOnceBytesMax = 65536;
/** Likewise for a write to memory of the kernel, which costs more. */
const writeAtOnceBytesMax = 16384;
/** Zeroes that are written at a time where the file system cannot make them itself. */
const zeroBytes = 1 << 20;

export interface FileTraits {
  readonly blockBytes: number;
  readonly isReadOnly: boolean;
  readonly calls: FileCalls | undefined;
}

export class FileDevice implements BlockDevice {
  readonly blockBytes: number;
  readonly isReadOnly: boolean;
  readonly resize$: Observable<number>;

  readonly #file: FileHandle;
  /** Of `#file`, whose own methods make more promises than the hot calls need. */
  readonly #descriptor: number;
  readonly #calls: FileCalls | undefined;
  readonly #operations = new Operations();
  readonly #sharedFlush: SharedFlush;
  readonly #patience: Patience;
  readonly #resize = new Subject<number>();
  #byteLength: number;
  #zeroes: Uint8Array | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  /** The last of the resizes, which follow one another. */
  #resizing: Promise<void> = Promise.resolve();

  /** @internal Owns `file` from now on; see `openFileDevice`. */
  constructor(file: FileHandle, byteLength: number, traits: FileTraits) {
    assertGeometry(byteLength, traits.blockBytes);
    this.#file = file;
    this.#descriptor = file.fd;
    this.#byteLength = byteLength;
    this.blockBytes = traits.blockBytes;
    this.isReadOnly = traits.isReadOnly;
    const { calls } = traits;
    this.#calls = calls;
    this.#patience = new Patience(calls && ((): number => calls.threadWaits()));
    this.#sharedFlush = new SharedFlush(() => this.#synchronise());
    this.resize$ = this.#resize.asObservable();
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  // HOT:
  read(offset: number, target: Uint8Array): Done {
    const refusal = this.#check(offset, target.byteLength);
    if (refusal !== undefined) return refusal;
    const { byteLength } = target;
    if (byteLength === 0) return undefined;
    let start = 0;
    if (byteLength <= readAtOnceBytesMax && this.#calls !== undefined) {
      start = Math.max(this.#calls.readCached(this.#descriptor, target, offset), 0);
      if (start === byteLength) return undefined;
    }
    return this.#operate((settle) => {
      readRest(this.#descriptor, target, start, offset, settle);
    });
  }

  // HOT:
  write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    const refusal = this.#checkChange(offset, source.byteLength);
    if (refusal !== undefined) return refusal;
    if (source.byteLength === 0) return undefined;
    const isDurable = options?.fua === true;
    const start = isDurable ? 0 : this.#writeAtOnce(offset, source);
    if (start === source.byteLength) return undefined;
    const written = this.#operate((settle) => {
      writeRest(this.#descriptor, source, start, offset, settle);
    });
    return isDurable ? this.#flushAfter(written) : written;
  }

  flush(): Done {
    return this.#check(0, 0) ?? this.#flushAfter(undefined);
  }

  discard(offset: number, byteLength: number): Done {
    const refusal = this.#checkChange(offset, byteLength);
    if (refusal !== undefined) return refusal;
    if (byteLength === 0 || this.#calls === undefined) return undefined;
    const leave = this.#operations.join();
    // A file system that cannot punch holes just keeps the room: it was a hint.
    const punched = this.#calls.punch(this.#descriptor, offset, byteLength);
    return punched.finally(leave).then(() => undefined);
  }

  writeZeroes(offset: number, byteLength: number, options: WriteZeroesOptions = {}): Done {
    const refusal = this.#checkChange(offset, byteLength);
    if (refusal !== undefined) return refusal;
    if (byteLength === 0) return undefined;
    const written = this.#makeZeroes(offset, byteLength, options.mayDiscard === true);
    return options.fua === true ? this.#flushAfter(written) : written;
  }

  status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    assert(byteLength > 0, 'the status of nothing', 'BAD_ARGUMENT');
    const refusal = this.#check(offset, byteLength);
    if (refusal !== undefined) return refusal;
    if (this.#calls === undefined) {
      return Promise.resolve([{ byteLength, isHole: false, isZero: false }]);
    }
    const range = { offset, byteLength, blockBytes: this.blockBytes };
    return Promise.resolve(findExtents(this.#calls, this.#descriptor, range));
  }

  /**
   * Makes the file longer, by zeroes, or shorter, once what is outstanding on it is complete; a
   * whole number of blocks. What lies beyond a shorter end is out of range before that.
   */
  resize(byteLength: number): Promise<void> {
    assertGeometry(byteLength, this.blockBytes);
    const refusal = this.#checkChange(0, 0);
    if (refusal !== undefined) return refusal;
    const resizing = this.#truncate(this.#resizing, byteLength);
    this.#resizing = resizing.catch(() => undefined); // Told to the caller alone.
    return resizing;
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  async #shut(): Promise<void> {
    await this.#resizing;
    await this.#operations.settled();
    await this.#file.close();
    this.#resize.complete();
  }

  async #truncate(before: Promise<void>, byteLength: number): Promise<void> {
    await before;
    const former = this.#byteLength;
    if (byteLength === former) return;
    this.#byteLength = Math.min(former, byteLength);
    await this.#operations.settled();
    try {
      await this.#file.truncate(byteLength);
    } catch (error) {
      this.#byteLength = former;
      throw error instanceof Error ? blockErrorOf(error, 'resize') : error;
    }
    this.#byteLength = byteLength;
    this.#resize.next(byteLength);
  }

  #check(offset: number, byteLength: number): Promise<never> | undefined {
    if (this.#closing !== undefined) return refuse(BlockErrorCode.Closed, 'the file was closed');
    const code = checkRange(this, offset, byteLength);
    return code && refuse(code, describeRange(this, offset, byteLength));
  }

  #checkChange(offset: number, byteLength: number): Promise<never> | undefined {
    const refusal = this.#check(offset, byteLength);
    if (refusal !== undefined || !this.isReadOnly) return refusal;
    return refuse(BlockErrorCode.ReadOnly, 'the file was opened for reading');
  }

  /** An operation that settles once. */
  #operate(start: (settle: Settle) => void): Promise<void> {
    const leave = this.#operations.join();
    return new Promise((resolve, reject) => {
      start((error) => {
        leave();
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  /**
   * Writes what is short on this thread, unless the storage made it wait lately or is likely to,
   * since it is flushed right now. Answers how many bytes were written.
   */
  // HOT:
  #writeAtOnce(offset: number, source: Uint8Array): number {
    if (source.byteLength > writeAtOnceBytesMax || this.#sharedFlush.isRunning) return 0;
    const startMs = performance.now();
    if (!this.#patience.allows(startMs)) return 0;
    const byteLength = writeNow(this.#descriptor, source, offset);
    this.#patience.spent(startMs, performance.now());
    return byteLength;
  }

  async #flushAfter(work: Promise<void> | undefined): Promise<void> {
    const leave = this.#operations.join();
    try {
      await work;
      await this.#sharedFlush.run();
    } finally {
      leave();
    }
  }

  async #makeZeroes(offset: number, byteLength: number, mayDiscard: boolean): Promise<void> {
    const leave = this.#operations.join();
    try {
      if (await this.#askForZeroes(offset, byteLength, mayDiscard)) return;
      this.#zeroes ??= new Uint8Array(zeroBytes);
      const zeroes = this.#zeroes;
      await this.#operate((settle) => {
        writeZeroBytes(this.#descriptor, zeroes, offset, byteLength, settle);
      });
    } finally {
      leave();
    }
  }

  /** False if the file system cannot do it by itself. */
  #askForZeroes(offset: number, byteLength: number, mayDiscard: boolean): Promise<boolean> {
    if (this.#calls === undefined) return Promise.resolve(false);
    if (mayDiscard) return this.#calls.punch(this.#descriptor, offset, byteLength);
    return this.#calls.zero(this.#descriptor, offset, byteLength);
  }

  async #synchronise(): Promise<void> {
    try {
      await this.#file.datasync();
    } catch (error) {
      throw error instanceof Error ? blockErrorOf(error, 'flush') : error;
    }
  }
}
