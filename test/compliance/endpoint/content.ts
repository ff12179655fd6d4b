/** Bytes for scenarios: contents that tell their place, and a digest for transcripts. */
import type { Bytes } from '../../../core/index.js';

/** `byteLength` bytes that differ from those of any other seed nearby. */
export function contentOf(seed: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  let word = Math.imul(seed + 1, 0x9e37_79b1) >>> 0;
  for (let index = 0; index < byteLength; index++) {
    word = (Math.imul(word, 0x0019_660d) + 0x3c6e_f35f) >>> 0;
    bytes[index] = word >>> 24;
  }
  return bytes;
}

/** A short digest of the bytes, and their number: `5 bytes 0a1b2c3d`. */
export function describeBytes(bytes: Uint8Array): string {
  let hash = 0x811c_9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193) >>> 0;
  return `${bytes.length} bytes ${hash.toString(16).padStart(8, '0')}`;
}

export function joinBytes(bytes: Bytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(Buffer.concat([...bytes]));
}

export function byteLengthOf(bytes: Bytes): number {
  if (bytes instanceof Uint8Array) return bytes.length;
  return bytes.reduce((sum, part) => sum + part.length, 0);
}

/** A number as four bytes, and back. */
export function encodeNumber(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function decodeNumber(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}
