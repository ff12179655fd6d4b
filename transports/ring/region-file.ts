/** RegionFile: one of the two files of a shared region, with its page of words mapped. */
import { fstatSync } from 'node:fs';

import { assert } from '../../core/assert.js';
import type { MappedRange } from './mapped-ranges.js';
import { Seal } from './native.js';
import type { RegionHost } from './region-memory.js';
import { createFile } from './sealed-file.js';

/** What makes a file safe to map that holders write: it keeps its length. */
export const tallySeals: number = Seal.Shrink | Seal.Grow | Seal.Seal;

export class RegionFile {
  readonly descriptor: number;
  readonly words: Int32Array;
  readonly inode: bigint;
  readonly #host: RegionHost;
  readonly #page: MappedRange;

  private constructor(host: RegionHost, descriptor: number, page: MappedRange) {
    this.descriptor = descriptor;
    this.words = new Int32Array(page.buffer);
    this.inode = fstatSync(descriptor, { bigint: true }).ino;
    this.#host = host;
    this.#page = page;
  }

  static create(host: RegionHost, byteLength: number, protection: number): RegionFile | number {
    const { native, ranges } = host;
    const { pageBytes } = native;
    const descriptor = createFile(native, 'idc-region', byteLength, pageBytes);
    if (descriptor < 0) return descriptor;
    const page = ranges.map(descriptor, pageBytes, protection);
    if (typeof page !== 'number') return new RegionFile(host, descriptor, page);
    native.close(descriptor);
    return page;
  }

  close(): void {
    this.#host.ranges.release(this.#page);
    this.#host.native.close(this.descriptor);
  }

  /** Between the bytes in the file and memory; answers an error number, negated, or 0. */
  read(target: bigint, byteLength: number): number {
    const { native } = this.#host;
    return transfer(native.pageBytes, target, byteLength, (address, rest, offset) =>
      native.readAt(this.descriptor, address, rest, offset),
    );
  }

  write(source: bigint, byteLength: number): number {
    const { native } = this.#host;
    return transfer(native.pageBytes, source, byteLength, (address, rest, offset) =>
      native.writeAt(this.descriptor, address, rest, offset),
    );
  }
}

/** Moves all bytes between memory and a file, from `offset` on; an error number, negated, or 0. */
function transfer(
  offset: number,
  address: bigint,
  byteLength: number,
  call: (address: bigint, byteLength: number, offset: number) => number,
): number {
  let done = 0;
  while (done < byteLength) {
    const count = call(address + BigInt(done), byteLength - done, offset + done);
    if (count < 0) return count;
    assert(count > 0, 'the file has the bytes');
    done += count;
  }
  return 0;
}
