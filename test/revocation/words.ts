/**
 * The words that the attack is made of. A word says who wrote it, and proves that somebody wrote
 * it as a whole: zeros, or halves of two words, are no word.
 */

/** Who wrote a word; holders are `holder + id`. */
export const Tag = { owner: 1, holder: 0x10, secret: 0x7e } as const;

/** So many parts of the buffer have a writer each. Part 0 is the owner's. */
export const partCount = 8;
/** The last part is everybody's. */
export const commonPart: number = partCount - 1;

/** `number` counts modulo 4096. */
export function makeWord(tag: number, number: number): number {
  const low = number & 0xfff;
  return (tag << 24) | (low << 12) | (~low & 0xfff);
}

export function tagOf(word: number): number {
  return word >>> 24;
}

/** True if `word`, found in that part, is one that its writer or the owner wrote there. */
export function isWordOf(part: number, word: number): boolean {
  if ((((word >>> 12) ^ word) & 0xfff) !== 0xfff) return false;
  const tag = word >>> 24;
  if (tag === Tag.owner || tag === Tag.secret) return true;
  return part === commonPart ? isHolderTag(tag) : part > 0 && tag === Tag.holder + part;
}

/**
 * True if `word`, seen in that part in the middle of a copy, is one of its words, or bytes of two
 * of them: nobody promises a holder that its words land whole. The owner's words always are whole.
 */
export function isMixtureOf(part: number, word: number): boolean {
  if (part === 0) return isWordOf(part, word);
  return isWordOf(part, makeWord(tagOf(word), 0));
}

function isHolderTag(tag: number): boolean {
  return tag > Tag.holder && tag < Tag.holder + commonPart;
}

export function partsOf(bytes: Uint8Array): Int32Array[] {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const length = words.length / partCount;
  return Array.from({ length: partCount }, (_, part) => {
    return words.subarray(part * length, (part + 1) * length);
  });
}
