/**
 * Restrictions: what narrowing adds to a reference, written and read. The layout of one is in
 * `reference-layout.ts`.
 *
 * Whoever has a reference can append what no `narrow` makes, with a code that is right. So the
 * reader refuses whatever would widen; owners and holders read with it alike.
 */
import type { BufferAccess } from '../shared-memory.js';

/** Bounds what checking costs: one code for each. So many fit, all with all fields. */
export const restrictionsMax = 16;

/** A holder's kind, and half of a digest of kind and name. */
export const holderKeyBytes = 17;

const Field = { Range: 1, Access: 2, Holder: 4, Expiry: 8 } as const;
const allFields = 15;
const rangeBytes = 16;

export const accessBits: Readonly<Record<BufferAccess, number>> = {
  read: 1,
  write: 2,
  readWrite: 3,
};
const accessOfBits: readonly (BufferAccess | undefined)[] = [
  undefined,
  'read',
  'write',
  'readWrite',
];

/** The access behind its number on the wire; undefined if there is none. */
export function accessOf(bits: number): BufferAccess | undefined {
  return accessOfBits[bits];
}

/** True if who may do `granted` may do `wanted`. */
export function isCovered(wanted: BufferAccess, granted: BufferAccess): boolean {
  return (accessBits[wanted] & ~accessBits[granted]) === 0;
}

/** True for what can be an offset or a byte length. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** True if the range lies in `byteLength` bytes; whatever the numbers are. */
export function isRangeWithin(offset: number, count: number, byteLength: number): boolean {
  return isCount(offset) && isCount(count) && offset <= byteLength && count <= byteLength - offset;
}

/** What one restriction says; undefined is not restricted by it. */
export interface Restriction {
  readonly range: { readonly offset: number; readonly byteLength: number } | undefined;
  readonly access: BufferAccess | undefined;
  /** The key of the only holder. */
  readonly holder: string | undefined;
  readonly expiresMs: number | undefined;
}

/** The restriction's bytes; undefined if it says nothing. */
export function layOutRestriction(restriction: Restriction): Uint8Array | undefined {
  const { range, access, holder, expiresMs } = restriction;
  const fields =
    (range === undefined ? 0 : Field.Range) |
    (access === undefined ? 0 : Field.Access) |
    (holder === undefined ? 0 : Field.Holder) |
    (expiresMs === undefined ? 0 : Field.Expiry);
  if (fields === 0) return undefined;
  const bytes = new Uint8Array(restrictionBytes(fields));
  const view = new DataView(bytes.buffer);
  bytes[0] = fields;
  let at = 1;
  if (range !== undefined) {
    view.setFloat64(at, range.offset, true);
    view.setFloat64(at + 8, range.byteLength, true);
    at += rangeBytes;
  }
  if (access !== undefined) {
    bytes[at] = accessBits[access];
    at += 1;
  }
  if (holder !== undefined) {
    for (let index = 0; index < holderKeyBytes; index++)
      bytes[at + index] = holder.charCodeAt(index);
    at += holderKeyBytes;
  }
  if (expiresMs !== undefined) view.setFloat64(at, expiresMs, true);
  return bytes;
}

function restrictionBytes(fields: number): number {
  return (
    1 +
    ((fields & Field.Range) === 0 ? 0 : rangeBytes) +
    ((fields & Field.Access) === 0 ? 0 : 1) +
    ((fields & Field.Holder) === 0 ? 0 : holderKeyBytes) +
    ((fields & Field.Expiry) === 0 ? 0 : 8)
  );
}

/** Reads restrictions one after another; holds what is left of the reference after them. */
export class RestrictionReader {
  offset = 0;
  byteLength: number;
  access: BufferAccess;
  expiresMs: number;
  readonly holders: string[] = [];
  /** Where each of them ended. */
  readonly ends: number[] = [];
  readonly #view: DataView;
  #at = 0;

  /** `view`: the encoded reference; the rest is what its base says. */
  constructor(view: DataView, byteLength: number, access: BufferAccess, expiresMs: number) {
    this.#view = view;
    this.byteLength = byteLength;
    this.access = access;
    this.expiresMs = expiresMs;
  }

  /** False if `[from, end)` is no list of restrictions, or one of them widens. */
  readAll(from: number, end: number): boolean {
    this.#at = from;
    while (this.#at < end) {
      if (this.ends.length === restrictionsMax || !this.#readOne(end)) return false;
      this.ends.push(this.#at);
    }
    return true;
  }

  #readOne(endMax: number): boolean {
    const fields = this.#view.getUint8(this.#at);
    if (fields === 0 || (fields & ~allFields) !== 0) return false;
    if (this.#at + restrictionBytes(fields) > endMax) return false;
    this.#at += 1;
    if ((fields & Field.Range) !== 0 && !this.#readRange()) return false;
    if ((fields & Field.Access) !== 0 && !this.#readAccess()) return false;
    if ((fields & Field.Holder) !== 0) this.#readHolder();
    return (fields & Field.Expiry) === 0 || this.#readExpiry();
  }

  #readRange(): boolean {
    const offset = this.#view.getFloat64(this.#at, true);
    const byteLength = this.#view.getFloat64(this.#at + 8, true);
    this.#at += rangeBytes;
    if (!isRangeWithin(offset, byteLength, this.byteLength)) return false;
    this.offset += offset;
    this.byteLength = byteLength;
    return true;
  }

  #readAccess(): boolean {
    const access = accessOf(this.#view.getUint8(this.#at));
    this.#at += 1;
    if (access === undefined || !isCovered(access, this.access)) return false;
    this.access = access;
    return true;
  }

  #readHolder(): void {
    const { buffer, byteOffset } = this.#view;
    const key = new Uint8Array(buffer, byteOffset + this.#at, holderKeyBytes);
    this.holders.push(String.fromCharCode(...key));
    this.#at += holderKeyBytes;
  }

  #readExpiry(): boolean {
    const expiresMs = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    if (!(expiresMs >= 0)) return false;
    this.expiresMs = Math.min(this.expiresMs, expiresMs);
    return true;
  }
}
