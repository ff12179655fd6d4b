/**
 * Local buffers: bytes that the caller owns, given as one array or as a list (scatter/gather).
 *
 * Everything that takes bytes takes a list, too, and treats it as if its parts were joined.
 */
import type { Bytes } from './api.js';
import { assert } from './assert.js';

const notBytes = 'bytes are a Uint8Array or an array of them';

/** Total number of bytes. HOT for the single-array form. */
export function byteLengthOf(bytes: Bytes): number {
  if (bytes instanceof Uint8Array) return bytes.length;
  assert(Array.isArray(bytes), notBytes, 'BAD_ARGUMENT');
  let sum = 0;
  for (const part of bytes) {
    assert(part instanceof Uint8Array, notBytes, 'BAD_ARGUMENT');
    sum += part.length;
  }
  return sum;
}

/** Copies all bytes to `target` from `offset` on; the caller has checked that they fit. */
export function gather(bytes: Bytes, target: Uint8Array, offset: number): void {
  if (bytes instanceof Uint8Array) {
    target.set(bytes, offset);
    return;
  }
  for (const part of bytes) {
    target.set(part, offset);
    offset += part.length;
  }
}

/** Copies `byteLength` bytes, from `from` on in the joined list, to `target` at `offset`. */
export function gatherRange(
  bytes: Bytes,
  from: number,
  byteLength: number,
  target: Uint8Array,
  offset: number,
): void {
  const parts = bytes instanceof Uint8Array ? [bytes] : bytes;
  let skip = from;
  let left = byteLength;
  for (const part of parts) {
    if (left === 0) return;
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    const count = Math.min(left, part.length - skip);
    target.set(part.subarray(skip, skip + count), offset);
    offset += count;
    left -= count;
    skip = 0;
  }
}
