/**
 * MappedOwnMemory: this side's memory of one link between processes, in a sealed memfd.
 *
 * It is sealed once this side has mapped it. After that nobody can map or write it for writing, not
 * even this side, and nobody can change its length, which would kill whoever reads behind the end.
 */
import { assert } from '../../core/assert.js';
import { Fault } from '../../core/transport.js';
import type { MappedRange, MappedRanges } from './mapped-ranges.js';
import { Fcntl, type Native, Protection, Seal } from './native.js';
import { isRingBytes, writeHeader, type OwnMemory } from './region.js';
import { memoryBytes, viewMemory, type RingMemory } from './ring-layout.js';
import { createFile } from './sealed-file.js';
import { memoryFault } from './system-fault.js';

/** What makes a memory safe for its reader and of one writer. Both sides demand all of it. */
export const memorySeals: number = Seal.FutureWrite | Seal.Shrink | Seal.Grow | Seal.Seal;

export interface OwnMemoryOptions {
  readonly ringBytes: number;
  /** 16 random bytes. */
  readonly token: Uint8Array;
}

export class MappedOwnMemory implements OwnMemory {
  readonly views: RingMemory;
  readonly byteLength: number;
  readonly token: Uint8Array;
  readonly #native: Native;
  readonly #ranges: MappedRanges;
  readonly #range: MappedRange;
  #descriptor: number;
  #released = false;

  private constructor(
    native: Native,
    ranges: MappedRanges,
    range: MappedRange,
    views: RingMemory,
    descriptor: number,
    token: Uint8Array,
  ) {
    this.views = views;
    this.byteLength = range.byteLength;
    this.token = token.slice();
    this.#native = native;
    this.#ranges = ranges;
    this.#range = range;
    this.#descriptor = descriptor;
  }

  /** The memory, its pages all reserved; or `Exhausted` or `Unsupported`, and nothing is left. */
  static create(
    native: Native,
    ranges: MappedRanges,
    options: OwnMemoryOptions,
  ): MappedOwnMemory | Fault {
    const { ringBytes, token } = options;
    assert(isRingBytes(ringBytes), 'a ring has a legal size', 'BAD_ARGUMENT');
    const byteLength = memoryBytes(ringBytes);
    const descriptor = createFile(native, 'idc-ring', byteLength);
    if (descriptor < 0) return memoryFault(descriptor);
    const range = ranges.map(descriptor, byteLength, Protection.Read | Protection.Write);
    if (typeof range === 'number') {
      native.close(descriptor);
      return memoryFault(range);
    }
    const views = viewMemory(range.buffer, ringBytes);
    writeHeader(views.control, ringBytes, token);
    const sealed = native.fcntl(descriptor, Fcntl.AddSeals, memorySeals);
    if (sealed < 0) {
      ranges.release(range);
      native.close(descriptor);
      return memoryFault(sealed);
    }
    return new MappedOwnMemory(native, ranges, range, views, descriptor, token);
  }

  /** What the peer opens or is passed, until `closeDescriptor`; then -1. */
  get descriptor(): number {
    return this.#descriptor;
  }

  /** The peer has opened it: nobody else will. Idempotent. */
  closeDescriptor(): void {
    if (this.#descriptor < 0) return;
    this.#native.close(this.#descriptor);
    this.#descriptor = -1;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.closeDescriptor();
    this.#ranges.release(this.#range);
  }
}
