/** The seam to remote buffer references: how a field of that kind is encoded and decoded. */
import { IdcError, RemoteBufferReference, type Endpoint } from 'idc';

/** What a `reference` field holds. */
export type Reference = RemoteBufferReference;

/** The most that an encoded reference takes, restrictions included. */
export const referenceBytesMax = 1024;

/** Undefined if the value is no reference. */
export function encodeReference(value: unknown): Uint8Array | undefined {
  return value instanceof RemoteBufferReference ? value.encode() : undefined;
}

/**
 * Undefined if the bytes are no reference. `from`: the endpoint that they came over, whose domain
 * is asked to relay if there is no other way to the owner. The bytes are copied.
 */
export function decodeReference(
  bytes: Uint8Array,
  from: Endpoint | undefined,
): Reference | undefined {
  try {
    return RemoteBufferReference.decode(bytes, from);
  } catch (error) {
    if (error instanceof IdcError) return undefined;
    throw error;
  }
}
