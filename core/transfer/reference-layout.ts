/**
 * The wire layout of a reference, and the one reader of it. Little-endian:
 *
 *   byteLength of all u16
 *   base:         magic u8 | version u8 | end of the base u16 | access u8 | mode u8
 *                 | owner 16 | incarnation 8 | slot u32 | generation u32
 *                 | byteLength of the buffer f64 | expiry f64 | addresses u8, each: length u8, text
 *   restriction…: fields u8, then those that it has of
 *                 offset f64, byteLength f64 | access u8 | holder 17 | expiry f64
 *   code 32
 *
 * The code is that of the last restriction under the code of everything before it; that of the
 * base is under the owner's key. So whoever has a reference can restrict it, and nobody can take a
 * restriction away. An offset counts from the start of the range that was left before.
 */
import { digestBytes } from '../digest.js';
import type { BufferAccess } from '../shared-memory.js';
import { accessBits, accessOf, isCount, RestrictionReader } from './reference-restriction.js';

/** Longest reference, and longest one that is not restricted, in bytes. */
export const referenceBytesMax = 1024;
export const baseReferenceBytesMax = 256;

/** How the owner serves a buffer: it copies, or it lends the memory. */
export type BufferMode = 'copy' | 'map';
const modes: readonly BufferMode[] = ['copy', 'map'];

const magic = 0x52;
const version = 1;

/** Where what is authenticated begins. */
export const baseAt = 2;
const ownerAt = 8;
const incarnationAt = 24;
const slotAt = 32;
const generationAt = 36;
const byteLengthAt = 40;
const expiryAt = 48;
const addressCountAt = 56;
const addressesAt = 57;
const referenceBytesMin = addressesAt + digestBytes;

/** What a reference says, all its restrictions included. True only if its code is right. */
export interface ReferenceFields {
  /** 32 hexadecimal digits. */
  readonly ownerId: string;
  /** 16 hexadecimal digits. */
  readonly ownerIncarnation: string;
  readonly slot: number;
  readonly generation: number;
  readonly mode: BufferMode;
  /** Where the range begins in the registered buffer. */
  readonly offset: number;
  readonly byteLength: number;
  readonly access: BufferAccess;
  /** Keys; the holder has to be each of them. */
  readonly holders: readonly string[];
  /** Unix time in milliseconds; Infinity if it does not expire. */
  readonly expiresMs: number;
  /** Narrowed neither in range nor in access. */
  readonly isWhole: boolean;
}

/** The fields, and where the authenticated parts end: the base, then each restriction. */
export interface ParsedReference {
  readonly fields: ReferenceFields;
  readonly ends: readonly number[];
}

/** What an owner says of a registration. */
export interface BaseFields {
  /** Domain id and incarnation: 24 bytes. */
  readonly owner: Uint8Array;
  readonly slot: number;
  readonly generation: number;
  readonly mode: BufferMode;
  readonly byteLength: number;
  readonly access: BufferAccess;
  readonly expiresMs: number;
  /** Those that do not fit are left out. */
  readonly addresses: readonly string[];
}

/** Names the owner; enough for who passes a reference on. */
export interface ReferenceOwner {
  readonly ownerId: string;
  readonly ownerIncarnation: string;
}

/** A reference that still lacks its code. */
export function layOutBase(base: BaseFields): Uint8Array {
  const bytes = new Uint8Array(baseReferenceBytesMax);
  const view = new DataView(bytes.buffer);
  let end = addressesAt;
  let addressCount = 0;
  for (const address of base.addresses) {
    const nextEnd = end + 1 + address.length;
    if (nextEnd + digestBytes > baseReferenceBytesMax || !isAddress(address)) continue;
    bytes[end] = address.length;
    for (let index = 0; index < address.length; index++) {
      bytes[end + 1 + index] = address.charCodeAt(index);
    }
    end = nextEnd;
    addressCount++;
  }
  view.setUint16(0, end + digestBytes, true);
  view.setUint8(2, magic);
  view.setUint8(3, version);
  view.setUint16(4, end, true);
  view.setUint8(6, accessBits[base.access]);
  view.setUint8(7, modes.indexOf(base.mode));
  bytes.set(base.owner, ownerAt);
  view.setUint32(slotAt, base.slot, true);
  view.setUint32(generationAt, base.generation, true);
  view.setFloat64(byteLengthAt, base.byteLength, true);
  view.setFloat64(expiryAt, base.expiresMs, true);
  view.setUint8(addressCountAt, addressCount);
  return bytes.slice(0, end + digestBytes);
}

/** `encoded` with one restriction more; it still lacks its own code. */
export function layOutRestricted(encoded: Uint8Array, restriction: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(encoded.length + restriction.length);
  bytes.set(encoded.subarray(0, -digestBytes));
  bytes.set(restriction, encoded.length - digestBytes);
  new DataView(bytes.buffer).setUint16(0, bytes.length, true);
  return bytes;
}

/** Where the code is. */
export function codeOf(encoded: Uint8Array): Uint8Array {
  return encoded.subarray(-digestBytes);
}

/** Reads all but the code; undefined if no owner and no `narrow` makes such bytes. */
export function parseReference(bytes: Uint8Array): ParsedReference | undefined {
  if (bytes.length < referenceBytesMin || bytes.length > referenceBytesMax) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(0, true) !== bytes.length) return undefined;
  if (view.getUint8(2) !== magic || view.getUint8(3) !== version) return undefined;
  const baseEnd = view.getUint16(4, true);
  const end = bytes.length - digestBytes;
  if (baseEnd > end || baseEnd + digestBytes > baseReferenceBytesMax) return undefined;
  if (endOfAddresses(bytes, baseEnd) !== baseEnd) return undefined;
  const access = accessOf(view.getUint8(6));
  const mode = modes[view.getUint8(7)];
  const byteLength = view.getFloat64(byteLengthAt, true);
  const expiresMs = view.getFloat64(expiryAt, true);
  if (access === undefined || mode === undefined) return undefined;
  if (!isCount(byteLength) || !(expiresMs >= 0)) return undefined;
  const left = new RestrictionReader(view, byteLength, access, expiresMs);
  if (!left.readAll(baseEnd, end)) return undefined;
  const fields: ReferenceFields = {
    ownerId: hexOf(bytes, ownerAt, incarnationAt),
    ownerIncarnation: hexOf(bytes, incarnationAt, slotAt),
    slot: view.getUint32(slotAt, true),
    generation: view.getUint32(generationAt, true),
    mode,
    offset: left.offset,
    byteLength: left.byteLength,
    access: left.access,
    holders: left.holders,
    expiresMs: left.expiresMs,
    isWhole: left.byteLength === byteLength && left.access === access,
  };
  return { fields, ends: [baseEnd, ...left.ends] };
}

/** Whose buffer it is, without looking at the rest; undefined if it is no reference. */
export function ownerOfReference(bytes: Uint8Array): ReferenceOwner | undefined {
  if (bytes.length < referenceBytesMin || bytes.length > referenceBytesMax) return undefined;
  if (bytes[2] !== magic || bytes[3] !== version) return undefined;
  return {
    ownerId: hexOf(bytes, ownerAt, incarnationAt),
    ownerIncarnation: hexOf(bytes, incarnationAt, slotAt),
  };
}

/** The addresses in a reference that was parsed; undefined if one of them is none. */
export function addressesOfReference(bytes: Uint8Array): readonly string[] | undefined {
  const addresses: string[] = [];
  let at = addressesAt;
  for (let left = bytes[addressCountAt] ?? 0; left > 0; left--) {
    const end = at + 1 + (bytes[at] ?? 0);
    const address = String.fromCharCode(...bytes.subarray(at + 1, end));
    if (!isAddress(address)) return undefined;
    addresses.push(address);
    at = end;
  }
  return addresses;
}

/** Where their lengths lead; anywhere beyond `endMax` if they are wrong. */
function endOfAddresses(bytes: Uint8Array, endMax: number): number {
  let at = addressesAt;
  for (let left = bytes[addressCountAt] ?? 0; left > 0 && at <= endMax; left--) {
    at += 1 + (bytes[at] ?? 0);
  }
  return at;
}

/** Visible ASCII, so that one character is one byte; whoever dials it parses it. */
function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[!-~]+$/u.test(text);
}

const hexPairs: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** By a table: references are read too often for the general form in `greeting.ts`. */
function hexOf(bytes: Uint8Array, from: number, end: number): string {
  let text = '';
  for (let index = from; index < end; index++) text += hexPairs[bytes[index] ?? 0] ?? '';
  return text;
}
