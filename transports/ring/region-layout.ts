/**
 * Layout of the two files that carry a shared region, made anew each time that it is shared.
 *
 * The *notice* is the owner's: it is sealed, so that holders can only read it, and says what they
 * have and whether they still have it. The *tally* is the holders': each counts there the accesses
 * that it has begun and not ended. Nothing that must hold depends on the tally. Both begin with a
 * page of words; the bytes of the region follow in the one whose rights they are to have:
 *
 *              shared for reading     shared for writing, too
 *   notice     words | bytes          words
 *   tally      words                  words | bytes
 *
 * Of two rights the kernel knows one alone: it can keep holders from writing, not from reading.
 */
import type { BufferAccess } from '../../core/shared-memory.js';
import type { RegionDescription } from './region-description.js';

/** Indices of 32-bit words in the notice. `State` changes; the others are written once. */
export const NoticeWord = {
  Magic: 0,
  Version: 1,
  Access: 2,
  /** Four words: 128 random bits, so that no other memory passes for this one. */
  Token: 4,
  /** Two words, little end first; the inode's number tells the tally from other files. */
  ByteLength: 8,
  TallyInode: 10,
  State: 32,
} as const;

/** It only grows. */
export const RegionState = {
  Open: 1,
  /** No access may begin; what is in flight has a moment to end. */
  Closing: 2,
  /** Whatever has not ended by now may be lost. */
  Closed: 3,
} as const;

/** 'IDCm', little-endian. */
export const regionMagic = 0x6d434449;
export const regionVersion = 1;

/** Holders choose among these words of the tally, 128 bytes apart, so that few share one. */
export const tallyWords = 32;
export const wordsPerTally = 32;

/** So many bytes fit into a `Uint8Array` behind the largest page of words. */
export const regionBytesMax: number = 2 ** 32 - 2 ** 16;

export function isRegionBytes(byteLength: number): boolean {
  return Number.isInteger(byteLength) && byteLength > 0 && byteLength <= regionBytesMax;
}

/** How `BufferAccess` is written; 0 is none. */
export const accessNumber: Readonly<Record<BufferAccess, number>> = {
  read: 1,
  write: 2,
  readWrite: 3,
};

/** True if who has `shared` has all of `asked`. */
export function coversAccess(shared: BufferAccess, asked: BufferAccess): boolean {
  return (accessNumber[shared] & accessNumber[asked]) === accessNumber[asked];
}

/** The bytes' own pages. */
export function dataBytesOf(byteLength: number, pageBytes: number): number {
  return Math.ceil(byteLength / pageBytes) * pageBytes;
}

export interface FileLengths {
  readonly notice: number;
  readonly tally: number;
}

export function fileLengths(
  access: BufferAccess,
  byteLength: number,
  pageBytes: number,
): FileLengths {
  const whole = pageBytes + dataBytesOf(byteLength, pageBytes);
  return access === 'read'
    ? { notice: whole, tally: pageBytes }
    : { notice: pageBytes, tally: whole };
}

type Terms = Pick<RegionDescription, 'access' | 'byteLength' | 'token'>;

/** All words but `State`, which is written when the bytes are there. */
function constantWords(terms: Terms, tallyInode: bigint): [index: number, word: number][] {
  const { access, byteLength, token } = terms;
  const numbers = BigUint64Array.of(BigInt(byteLength), tallyInode);
  return [
    [NoticeWord.Magic, regionMagic],
    [NoticeWord.Version, regionVersion],
    [NoticeWord.Access, accessNumber[access]],
    ...wordsFrom(NoticeWord.Token, token.slice().buffer),
    ...wordsFrom(NoticeWord.ByteLength, numbers.buffer),
  ];
}

function wordsFrom(first: number, bytes: ArrayBuffer): [index: number, word: number][] {
  return Array.from(new Int32Array(bytes), (word, index) => [first + index, word]);
}

export function writeNotice(notice: Int32Array, terms: Terms, tallyInode: bigint): void {
  for (const [index, word] of constantWords(terms, tallyInode)) Atomics.store(notice, index, word);
}

/** True if the notice says what was described. */
export function isNotice(notice: Int32Array, terms: Terms, tallyInode: bigint): boolean {
  return constantWords(terms, tallyInode).every(([index, word]) => {
    return Atomics.load(notice, index) === word;
  });
}
