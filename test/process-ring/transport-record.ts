/** Records that a reader can judge alone: a number, bytes of any length, and a checksum. */
import { between, type Random } from '../compliance/random.js';

const numberBytes = 4;
const checksumBytes = 4;
const overheadBytes = numberBytes + checksumBytes;

/** Most are small; some take several frames of a small ring. */
const fillBytesMax = 300;
const longFillBytesMax = 9000;
const longOneIn = 16;

export const recordBytesMax: number = overheadBytes + longFillBytesMax;

/** FNV-1a, over all that comes before the checksum. */
function checksumOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

export function makeRecord(random: Random, number: number): Uint8Array {
  const isLong = between(random, 1, longOneIn) === 1;
  const fillBytes = between(random, 0, isLong ? longFillBytesMax : fillBytesMax);
  const bytes = new Uint8Array(overheadBytes + fillBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number, true);
  bytes.fill(between(random, 0, 255), numberBytes, numberBytes + fillBytes);
  for (let index = numberBytes; index < numberBytes + fillBytes; index += 7) bytes[index] = index;
  const end = numberBytes + fillBytes;
  view.setInt32(end, checksumOf(bytes.subarray(0, end)), true);
  return bytes;
}

/** The record's number; throws unless the record is whole. */
export function numberOfRecord(bytes: Uint8Array): number {
  if (bytes.length < overheadBytes) throw new Error(`a record of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - checksumBytes;
  if (view.getInt32(end, true) !== checksumOf(bytes.subarray(0, end))) {
    throw new Error(`record ${view.getUint32(0, true)} of ${bytes.length} bytes is not whole`);
  }
  return view.getUint32(0, true);
}
