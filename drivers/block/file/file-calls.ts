/**
 * FileCalls: the C library's calls on files that Node.js lacks, and the one place of this driver
 * where C functions are declared. They come through `koffi`, an optional dependency, on Linux with
 * glibc on x64 or arm64; elsewhere a file does without them.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';

/** Fails with EAGAIN where it would have to wait for the storage. */
const readNoWait = 8;
const seekData = 3;
const seekHole = 4;
const keepSize = 0x01;
const punchHole = 0x02;
const zeroRange = 0x10;

const usageOfThread = 1;
/** A `struct rusage` in words of 64 bits, and the one in it that counts voluntary switches. */
const usageWords = 18;
const voluntarySwitchesWord = 16;

type CFunction = ((...values: (number | Uint8Array)[]) => number) & {
  async(...values: [...number[], (error: unknown, result: number) => void]): void;
};

/** What is used of koffi. */
interface Koffi {
  load(path: string): { func(definition: string): CFunction };
  address(bytes: Uint8Array): bigint;
  errno(): number;
}

/** What `nextData` answers where there is no data up to the end. */
export const noData: number = -constants.errno.ENXIO;

export class FileCalls {
  readonly #koffi: Koffi;
  readonly #read: CFunction;
  readonly #seek: CFunction;
  readonly #allocate: CFunction;
  readonly #usage: CFunction;
  readonly #usageWords = new BigUint64Array(usageWords);
  readonly #usageBytes = new Uint8Array(this.#usageWords.buffer);
  /** One `struct iovec`: an address and a length. */
  readonly #vector = new BigUint64Array(2);
  readonly #vectorBytes = new Uint8Array(this.#vector.buffer);

  private constructor(koffi: Koffi) {
    const library = koffi.load('libc.so.6');
    // Other C libraries number some things differently; none of them has this function.
    library.func('const char *gnu_get_libc_version()');
    this.#koffi = koffi;
    this.#read = library.func('int64_t preadv2(int, const uint8_t *, int, int64_t, int)');
    this.#seek = library.func('int64_t lseek(int, int64_t, int)');
    this.#allocate = library.func('int fallocate(int, int, int64_t, int64_t)');
    this.#usage = library.func('int getrusage(int, uint8_t *)');
  }

  /** Undefined where the calls are not to be had. */
  static load(): FileCalls | undefined {
    const isKnown = process.arch === 'x64' || process.arch === 'arm64';
    if (process.platform !== 'linux' || !isKnown) return undefined;
    try {
      // Only the members that `Koffi` names are used, as its version 3 documents them.
      return new FileCalls(createRequire(import.meta.url)('koffi') as Koffi);
    } catch {
      return undefined; // Not installed, or another C library: both are legal.
    }
  }

  /** Reads what the kernel has in memory: so many bytes from the start on, or below 0 if none. */
  // HOT:
  readCached(descriptor: number, target: Uint8Array, offset: number): number {
    this.#vector[0] = this.#koffi.address(target);
    this.#vector[1] = BigInt(target.byteLength);
    return this.#read(descriptor, this.#vectorBytes, 1, offset, readNoWait);
  }

  /** How often this thread has waited in the kernel; that it was preempted does not count. */
  threadWaits(): number {
    this.#usage(usageOfThread, this.#usageBytes);
    return Number(this.#usageWords[voluntarySwitchesWord]);
  }

  /** Where data begins at or after `offset`, or `noData`; otherwise below 0: nobody knows. */
  nextData(descriptor: number, offset: number): number {
    const place = this.#seek(descriptor, offset, seekData);
    return place < 0 ? -this.#koffi.errno() : place;
  }

  /** Where a hole begins at or after `offset`; the end of a file is one. Below 0: nobody knows. */
  nextHole(descriptor: number, offset: number): number {
    return this.#seek(descriptor, offset, seekHole);
  }

  /** Gives room back; the bytes read as zeroes. Answers false if the file system cannot. */
  punch(descriptor: number, offset: number, byteLength: number): Promise<boolean> {
    return this.#change(punchHole | keepSize, descriptor, offset, byteLength);
  }

  /** Zeroes without giving room back. Answers false if the file system cannot. */
  zero(descriptor: number, offset: number, byteLength: number): Promise<boolean> {
    return this.#change(zeroRange | keepSize, descriptor, offset, byteLength);
  }

  /** On a thread of its own, since it may wait for the storage. */
  #change(mode: number, descriptor: number, offset: number, byteLength: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#allocate.async(descriptor, mode, offset, byteLength, (error, result) => {
        if (error instanceof Error) reject(error);
        else resolve(result === 0);
      });
    });
  }
}
