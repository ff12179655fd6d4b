/** What a client of ill will may say: legal sessions, damaged by chance, and plain noise. */
import { between, randomBytes, type Random } from '../../compliance/random.js';
import { contextQuestion, exportQuestion, word } from './raw-client.js';

/** Words that parsers dislike. */
const extremes = [0, 1, 27, 28, 0x7fffffff, 0x80000000, 0xffffffff, 32 << 20, (32 << 20) + 1];

/** All that a session sends, cut where the socket is to cut it. */
export function makeHostileSession(random: Random): Buffer[] {
  const bytes = random() % 10 === 0 ? makeNoise(random) : damage(makeSession(random), random);
  const pieces: Buffer[] = [];
  const pieceBytesMax = between(random, 1, 4) === 1 ? 7 : 70_000;
  for (let place = 0; place < bytes.byteLength;) {
    const end = place + between(random, 1, pieceBytesMax);
    pieces.push(bytes.subarray(place, end));
    place = end;
  }
  // Small pieces cost a turn each, and the first ones are where the handshake is.
  return pieces.length > 60 ? [...pieces.slice(0, 60), Buffer.concat(pieces.slice(60))] : pieces;
}

function makeNoise(random: Random): Buffer {
  return Buffer.from(randomBytes(random, between(random, 0, 5000)));
}

/** A legal session, up to and including some requests. */
function makeSession(random: Random): Buffer {
  const parts: Uint8Array[] = [word(random() % 4)];
  const optionCount = between(random, 0, 5);
  for (let count = 0; count < optionCount; count++) parts.push(makeOption(random));
  const last = random() % 8;
  if (last === 0) parts.push(optionOf(1, Buffer.alloc(0)));
  else if (last < 7) parts.push(optionOf(7, exportQuestion('', [3, 0])));
  const requestCount = between(random, 0, 40);
  for (let count = 0; count < requestCount; count++) parts.push(...makeRequest(random));
  return Buffer.concat(parts);
}

function makeOption(random: Random): Buffer {
  const queries = ['base:allocation', 'base:', 'x:y', ''].slice(random() % 4);
  const datas: readonly (readonly [number, Buffer])[] = [
    [3, Buffer.alloc(0)],
    [5, Buffer.alloc(0)],
    [6, exportQuestion('', [0, 1, 2, 3, 4])],
    [7, exportQuestion('unknown')],
    [8, Buffer.alloc(0)],
    [8, Buffer.alloc(0)],
    [9, contextQuestion('', queries)],
    [10, contextQuestion('', queries)],
    [random() % 20, Buffer.from(randomBytes(random, random() % 300))],
  ];
  const [option, data] = datas[random() % datas.length] ?? [3, Buffer.alloc(0)];
  return optionOf(option, data);
}

function optionOf(option: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from('IHAVEOPT'), word(option), word(data.byteLength), data]);
}

function makeRequest(random: Random): Uint8Array[] {
  const head = Buffer.alloc(28);
  const command = random() % 9;
  const byteLength = random() % 3 === 0 ? between(random, 0, 200_000) : between(random, 0, 8192);
  head.writeUInt32BE(0x25609513, 0);
  head.writeUInt16BE(random() % 3 === 0 ? random() % 32 : 0, 4);
  head.writeUInt16BE(command, 6);
  head.set(randomBytes(random, 8), 8);
  head.writeBigUInt64BE(BigInt(between(random, 0, 1 << 20)), 16);
  head.writeUInt32BE(byteLength, 24);
  return command === 1 ? [head, Buffer.alloc(byteLength, random())] : [head];
}

/** Some bytes are changed, taken out, put in, said twice, or cut off; or none. */
function damage(bytes: Buffer, random: Random): Buffer {
  let damaged = bytes;
  const count = between(random, 0, 4);
  for (let index = 0; index < count && damaged.byteLength > 4; index++) {
    damaged = damageOnce(damaged, random);
  }
  return damaged;
}

function damageOnce(bytes: Buffer, random: Random): Buffer {
  // More often near the beginning, where lengths and magics are dense.
  const span = random() % 2 === 0 ? Math.min(bytes.byteLength, 200) : bytes.byteLength;
  const place = random() % (span - 3);
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (random() % 6) {
    case 0: {
      const flipped = Buffer.from(bytes);
      flipped[place] = (flipped[place] ?? 0) ^ (1 << (random() % 8));
      return flipped;
    }
    case 1: {
      const changed = Buffer.from(bytes);
      changed.writeUInt32BE(extremes[random() % extremes.length] ?? 0, place);
      return changed;
    }
    case 2:
      return Buffer.concat([before, after.subarray(between(random, 1, 40))]);
    case 3:
      return Buffer.concat([before, randomBytes(random, between(random, 1, 40)), after]);
    case 4:
      return Buffer.concat([before, after.subarray(0, between(random, 1, 400)), after]);
    default:
      return before;
  }
}
