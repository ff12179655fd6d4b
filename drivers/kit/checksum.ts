/**
 * Checksum: CRC-32 as in zlib, whose own function came after the oldest Node.js that is supported.
 */
const reflectedPolynomial = 0xedb8_8320;
const table: Uint32Array = Uint32Array.from({ length: 256 }, (_, index) => {
  let word = index;
  for (let bit = 0; bit < 8; bit++) {
    word = (word >>> 1) ^ ((word & 1) === 1 ? reflectedPolynomial : 0);
  }
  return word >>> 0;
});

/** A uint32 that tells bytes from those that a death or a slip left in their place. */
export function checksumOf(bytes: Uint8Array): number {
  let word = 0xffff_ffff;
  // An iterator would take four times as long.
  for (let index = 0; index < bytes.length; index++) {
    word = (word >>> 8) ^ (table[(word ^ (bytes[index] ?? 0)) & 0xff] ?? 0);
  }
  return (word ^ 0xffff_ffff) >>> 0;
}
