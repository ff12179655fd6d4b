/**
 * BlockDevice: a range of bytes that is read and written in blocks. It is the seam of this driver:
 * memory, a file, a part of another device and the front end of a remote one are all used through
 * it, and whatever serves a device asks for nothing else.
 *
 * Any number of operations may be outstanding. They take effect in any order, so that who wants
 * one before another waits for the first. What overlaps and is outstanding at once leaves either.
 */
import type { Observable } from 'rxjs';
import type { DeviceMemory } from './device-memory.js';

/**
 * What an operation answers: undefined if it is complete already, which costs no promise; else a
 * promise that resolves when it is. `await` serves both.
 */
export type Done = Promise<void> | undefined;

export interface WriteOptions {
  /** Force unit access: complete only when what was written is on stable storage. */
  readonly fua?: boolean;
}

export interface WriteZeroesOptions extends WriteOptions {
  /** The room may be given back to the storage, and a later write may find none. */
  readonly mayDiscard?: boolean;
}

/** A piece of a device whose blocks are of one kind. */
export interface Extent {
  /** More than 0, and a multiple of the device's `blockBytes`. */
  readonly byteLength: number;
  /** No storage is taken: a write may fail for want of room. */
  readonly isHole: boolean;
  /** It reads as zeroes; otherwise nothing is known of its contents. */
  readonly isZero: boolean;
}

/**
 * Every failure is a rejection with a `BlockError`; no method throws for one. Offsets and lengths
 * are in bytes and multiples of `blockBytes`; a length of 0 is complete at once.
 */
export interface BlockDevice {
  /** A multiple of `blockBytes`, below 2^53. Each change is a value of `resize$`. */
  readonly byteLength: number;
  /** A power of two, at most 65536. */
  readonly blockBytes: number;
  readonly isReadOnly: boolean;
  /** The new `byteLength` after each change; hot. Completes when the device is closed. */
  readonly resize$: Observable<number>;
  /** From here long operations cost less; any other memory may be used as well. */
  readonly memory?: DeviceMemory | undefined;

  /** Fills `target`. It belongs to the device until the operation is complete. */
  read(offset: number, target: Uint8Array): Done;
  /** `source` must stay as it is until the operation is complete. */
  write(offset: number, source: Uint8Array, options?: WriteOptions): Done;
  /** Complete when all that was complete before the call is on stable storage. */
  flush(): Done;
  /** A hint: until the bytes are written again they read as before or as zeroes. */
  discard(offset: number, byteLength: number): Done;
  writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done;
  /**
   * The extents from `offset` on, one at least, adjoining, none beyond the range; they may cover
   * only a part of it. `byteLength` must not be 0.
   */
  status(offset: number, byteLength: number): Promise<readonly Extent[]>;
  /** Resolves when all operations are complete and nothing is held. A second call does the same. */
  close(): Promise<void>;
}
