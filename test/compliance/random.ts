/** Seeded random numbers, so that a failure can be replayed: `IDC_SEED=<seed> node --test ...`. */

/** A uint32 per call. */
export type Random = () => number;

export function seedOfThisRun(): number {
  const given = process.env['IDC_SEED'];
  return given === undefined ? (Math.random() * 2 ** 32) >>> 0 : Number(given) >>> 0;
}

/** Mulberry32: four lines, and good enough to choose lengths and bytes. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** An integer in [least, most]. */
export function between(random: Random, least: number, most: number): number {
  return least + (random() % (most - least + 1));
}

/** `byteLength` random bytes. */
export function randomBytes(random: Random, byteLength: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: byteLength }, () => random() & 0xff);
}
