/**
 * Digests: what the platform computes for the core. They are pure functions, the same everywhere,
 * so a simulation has nothing to replace here.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Length of a code or digest, in bytes. */
export const digestBytes = 32;

/** HMAC-SHA256: the code of `bytes` under `key`. */
export function authenticate(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(bytes).digest();
}

/** SHA-256 of the bytes, or of the text's UTF-8. */
export function digestOf(input: Uint8Array | string): Uint8Array {
  return createHash('sha256').update(input).digest();
}

/** Takes as long for bytes that differ as for equal ones. The lengths are no secret. */
export function isSameSecret(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
