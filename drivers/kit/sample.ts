/** Samples: values of a schema, drawn at random with a liking for the edges. */
import type { FieldSchema, RecordSchema, Scalar } from './schema.js';
import type { Reference } from './reference-field.js';

/** A number in [0, 1). */
export type Fraction = () => number;

export interface SampleSource {
  readonly fraction: Fraction;
  /** A reference to some bytes; not asked for unless there is such a field. */
  readonly reference: () => Reference;
}

/** Values for all fields that the version has. */
export function sampleRecord(
  record: RecordSchema,
  version: number,
  source: SampleSource,
): Record<string, unknown> {
  const present = Object.entries(record).filter(([, field]) => sinceOf(field) <= version);
  return Object.fromEntries(
    present.map(([name, field]) => [name, sampleField(field, version, source)]),
  );
}

function sinceOf(field: FieldSchema): number {
  return typeof field === 'string' ? 1 : (field.since ?? 1);
}

function sampleField(field: FieldSchema, version: number, source: SampleSource): unknown {
  const { fraction } = source;
  if (typeof field === 'string') return sampleScalar(field, source);
  if ('is' in field) return sampleScalar(field.is, source);
  if ('bytes' in field) return sampleBytes(field.bytes, fraction);
  if ('text' in field) return sampleText(field.text, fraction);
  if ('choice' in field) return field.choice[below(field.choice.length, fraction)];
  if ('record' in field) return sampleRecord(field.record, version, source);
  if ('optional' in field) {
    return fraction() < 0.5 ? undefined : sampleField(field.optional, version, source);
  }
  const count = length(Math.min(field.max, longest), fraction);
  return Array.from({ length: count }, () => sampleField(field.list, version, source));
}

function sampleScalar(kind: Scalar, { fraction, reference }: SampleSource): unknown {
  switch (kind) {
    case 'boolean':
      return fraction() < 0.5;
    case 'uint8':
      return whole(0, 0xff, fraction);
    case 'uint16':
      return whole(0, 0xffff, fraction);
    case 'uint32':
      return whole(0, 0xffff_ffff, fraction);
    case 'uint53':
      return whole(0, Number.MAX_SAFE_INTEGER, fraction);
    case 'int32':
      return whole(-(2 ** 31), 2 ** 31 - 1, fraction);
    case 'int53':
      return whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, fraction);
    case 'uint64':
      return BigInt.asUintN(64, BigInt(whole(0, Number.MAX_SAFE_INTEGER, fraction)) * 2049n);
    case 'float64':
      return [0, -0, 1.5, -1e300, Infinity, 5e-324][below(6, fraction)];
    case 'reference':
      return reference();
  }
}

/** Short ones are the likeliest, since they cost least and break most. */
const longest = 1024;

function length(most: number, fraction: Fraction): number {
  const choice = fraction();
  if (choice < 0.1) return 0;
  if (choice < 0.2) return most;
  return below(Math.min(most, 64) + 1, fraction);
}

function sampleBytes(most: number, fraction: Fraction): Uint8Array {
  return Uint8Array.from({ length: length(most, fraction) }, () => below(256, fraction));
}

const letters = ['a', '0', '\u0000', '\u00e9', '\u20ac', '\u{1f600}'];

function sampleText(most: number, fraction: Fraction): string {
  let text = '';
  let left = length(Math.min(most, longest), fraction);
  for (;;) {
    const letter = letters[below(letters.length, fraction)] ?? 'a';
    left -= Buffer.byteLength(letter);
    if (left < 0) return text;
    text += letter;
  }
}

/** Evenly over the orders of magnitude, and often at an end of the range. */
function whole(least: number, most: number, fraction: Fraction): number {
  const choice = fraction();
  if (choice < 0.1) return least;
  if (choice < 0.2) return most;
  const magnitude = Math.floor(2 ** (fraction() * Math.log2(most)));
  const isNegative = least < 0 && fraction() < 0.5;
  return isNegative ? Math.max(least, -magnitude) : Math.min(most, magnitude);
}

function below(count: number, fraction: Fraction): number {
  return Math.floor(fraction() * count);
}

/** Mulberry32: the same numbers for the same seed, everywhere. */
export function makeFraction(seed: number): Fraction {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
