/**
 * Ways to forge a reference, for who has genuine ones and all the time in the world, but not the
 * owner's key. Whatever they make is no reference that anybody was given.
 */
import { authenticate } from '../../core/digest.js';
import { baseAt, parseReference } from '../../core/transfer/reference-layout.js';
import { between, randomBytes, type Random } from '../compliance/random.js';

const codeBytes = 32;

/** What a forger has: `bytes`, which it may spoil, other genuine references, and chance. */
interface Desk {
  readonly bytes: Uint8Array;
  readonly others: readonly Uint8Array[];
  readonly random: Random;
}

type Forgery = (desk: Desk) => Uint8Array;

function pick<T>(list: readonly T[], random: Random): T {
  const picked = list[random() % list.length];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function bodyOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, -codeBytes);
}

function codeOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(-codeBytes);
}

/** The code of a reference that is another one; with its own anybody may restrict it. */
function codeOfAnother({ bytes, others, random }: Desk): Uint8Array {
  const own = Buffer.from(codeOf(bytes));
  return codeOf(
    pick(
      others.filter((other) => !own.equals(codeOf(other))),
      random,
    ),
  );
}

/** Everything but the code is consistent again. */
function withLength(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint16(0, bytes.length, true);
  return bytes;
}

/** The base, and each restriction. */
function partsOf(bytes: Uint8Array): { base: Uint8Array; restrictions: Uint8Array[] } {
  const [baseEnd = 0, ...ends] = parseReference(bytes)?.ends ?? [];
  const starts = [baseEnd, ...ends];
  const restrictions = ends.map((end, index) => bytes.slice(starts[index], end));
  return { base: bytes.slice(0, baseEnd), restrictions };
}

function flipBits(bytes: Uint8Array, from: number, count: number, random: Random): Uint8Array {
  for (let left = count; left > 0; left--) {
    const index = between(random, from, bytes.length - 1);
    bytes[index] = (bytes[index] ?? 0) ^ (1 << (random() & 7));
  }
  return bytes;
}

/** Writes one field of the base as a forger would like it. */
function changeBase(desk: Desk, change: (view: DataView) => void): Uint8Array {
  change(new DataView(desk.bytes.buffer));
  return desk.bytes;
}

/** One who knows how codes are made, and guesses the key. */
function codedWith(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const ends = parseReference(bytes)?.ends ?? [];
  let code = key;
  let from = baseAt;
  for (const end of ends) {
    code = authenticate(code, bytes.subarray(from, end));
    from = end;
  }
  bytes.set(code, bytes.length - codeBytes);
  return bytes;
}

function restrictionOf(random: Random): Uint8Array {
  return Uint8Array.of(2, pick([1, 2, 3], random));
}

export const forgeries: Readonly<Record<string, Forgery>> = {
  'one bit': ({ bytes, random }) => flipBits(bytes, 0, 1, random),
  'some bits': ({ bytes, random }) => flipBits(bytes, 0, between(random, 2, 9), random),
  'a bit of the code': ({ bytes, random }) => flipBits(bytes, bytes.length - codeBytes, 1, random),
  'a bit of the last word': ({ bytes, random }) => flipBits(bytes, bytes.length - 4, 1, random),
  'a stretch': ({ bytes, random }) => {
    const at = between(random, 0, bytes.length - 8);
    bytes.set(randomBytes(random, 8), at);
    return bytes;
  },
  'a number': ({ bytes, random }) => {
    const at = between(random, 0, bytes.length - 8);
    const value = pick([0, 1, 4096, 2 ** 32, 2 ** 53, -1, NaN, Infinity], random);
    new DataView(bytes.buffer).setFloat64(at, value, true);
    return bytes;
  },
  'cut off': ({ bytes, random }) => bytes.slice(0, between(random, 0, bytes.length - 1)),
  'cut off, of the right length': ({ bytes, random }) => {
    const cut = bytes.slice(0, between(random, 2, bytes.length - 1));
    return withLength(cut);
  },
  'cut in the middle': ({ bytes, random }) => {
    const at = between(random, 57, bytes.length - codeBytes - 1);
    const end = between(random, at + 1, bytes.length - codeBytes);
    return withLength(joined([bytes.subarray(0, at), bytes.subarray(end)]));
  },
  'something behind it': ({ bytes, random }) =>
    withLength(joined([bytes, randomBytes(random, between(random, 1, 90))])),
  'the code of another': (desk) => joined([bodyOf(desk.bytes), codeOfAnother(desk)]),
  'the code of nothing': ({ bytes, random }) =>
    joined([bodyOf(bytes), new Uint8Array(codeBytes).fill(pick([0, 255], random))]),
  'a random code': ({ bytes, random }) => joined([bodyOf(bytes), randomBytes(random, codeBytes)]),
  'restrictions of another': ({ bytes, others, random }) => {
    const { base } = partsOf(bytes);
    const other = pick(others, random);
    return withLength(joined([base, ...partsOf(other).restrictions, codeOf(other)]));
  },
  'without the last restriction': ({ bytes }) => {
    const { base, restrictions } = partsOf(bytes);
    return withLength(joined([base, ...restrictions.slice(0, -1), codeOf(bytes)]));
  },
  'without a restriction': ({ bytes, random }) => {
    const { base, restrictions } = partsOf(bytes);
    if (restrictions.length > 0) restrictions.splice(random() % restrictions.length, 1);
    return withLength(joined([base, ...restrictions, codeOf(bytes)]));
  },
  'in another order': ({ bytes }) => {
    const { base, restrictions } = partsOf(bytes);
    return withLength(joined([base, ...restrictions.reverse(), codeOf(bytes)]));
  },
  'a restriction without its code': ({ bytes, random }) =>
    withLength(joined([bodyOf(bytes), restrictionOf(random), codeOf(bytes)])),
  'a restriction under a key that is none': (desk) => {
    const { bytes, random } = desk;
    const restriction = restrictionOf(random);
    const keys = [new Uint8Array(codeBytes), codeOfAnother(desk), bodyOf(bytes)];
    const code = authenticate(pick(keys, random), restriction);
    return withLength(joined([bodyOf(bytes), restriction, code]));
  },
  'under a guessed key': (desk) => {
    const owner = desk.bytes.slice(8, 32);
    const keys = [new Uint8Array(codeBytes), new Uint8Array(0), owner, codeOfAnother(desk)];
    return codedWith(pick(keys, desk.random), desk.bytes);
  },
  'another slot': (desk) =>
    changeBase(desk, (view) => {
      view.setUint32(32, (view.getUint32(32, true) + between(desk.random, 1, 20)) >>> 0, true);
    }),
  'another generation': (desk) =>
    changeBase(desk, (view) => {
      view.setUint32(36, (view.getUint32(36, true) + pick([-1, 1, 2], desk.random)) >>> 0, true);
    }),
  'all access': (desk) =>
    changeBase(desk, (view) => {
      view.setUint8(6, 3);
      view.setUint8(7, 1);
    }),
  'a longer buffer': (desk) =>
    changeBase(desk, (view) => {
      view.setFloat64(40, view.getFloat64(40, true) + between(desk.random, 1, 5000), true);
    }),
  'another expiry': (desk) =>
    changeBase(desk, (view) => {
      const expiresMs = view.getFloat64(48, true);
      view.setFloat64(48, expiresMs === Infinity ? 2e12 : Infinity, true);
    }),
  'another owner': (desk) =>
    changeBase(desk, (view) => {
      view.setUint8(between(desk.random, 8, 23), desk.random() & 0xff);
    }),
  'another incarnation': (desk) =>
    changeBase(desk, (view) => {
      view.setUint8(between(desk.random, 24, 31), desk.random() & 0xff);
    }),
  'noise with the right head': ({ bytes, random }) =>
    withLength(joined([bytes.subarray(0, 8), randomBytes(random, between(random, 82, 400))])),
  noise: ({ random }) => randomBytes(random, between(random, 0, 1100)),
};

/** One forgery of one of the genuine references. */
export function forge(name: string, genuine: readonly Uint8Array[], random: Random): Uint8Array {
  const forgery = forgeries[name];
  if (forgery === undefined) throw new Error(`no such forgery: ${name}`);
  return forgery({ bytes: pick(genuine, random).slice(), others: genuine, random });
}
