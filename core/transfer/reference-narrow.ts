/** Narrowing: what a holder asks for, checked against what the reference says already. */
import { assert } from '../assert.js';
import { ErrorCode, IdcError } from '../errors.js';
import type { BufferAccess } from '../shared-memory.js';
import { holderKeyOf, type HolderName } from './reference-holder.js';
import type { ReferenceFields } from './reference-layout.js';
import {
  accessBits,
  isCovered,
  isRangeWithin,
  layOutRestriction,
} from './reference-restriction.js';

/** What `narrow` takes away; whatever is left out stays as it is. */
export interface NarrowOptions {
  /** In bytes, from the start of the range that the reference has now. Default 0. */
  readonly offset?: number;
  /** Default: all from `offset` on. */
  readonly byteLength?: number;
  readonly access?: BufferAccess;
  /** Whom alone the owner will serve, on a link of its own; for instance an endpoint's peer. */
  readonly holder?: HolderName;
  /** Unix time in milliseconds, by the owner's wall clock. A later one than now has no effect. */
  readonly expiresMs?: number;
}

/** The part of a reference that narrowing looks at. */
type Narrowable = Pick<ReferenceFields, 'byteLength' | 'access' | 'holders' | 'expiresMs'>;

/**
 * The bytes of the restriction; undefined if it takes nothing away. Throws `IdcError`: OUT_OF_RANGE
 * or ACCESS_DENIED.
 */
export function makeRestriction(now: Narrowable, options: NarrowOptions): Uint8Array | undefined {
  const { access = now.access, expiresMs = Infinity } = options;
  assert(Object.hasOwn(accessBits, access), 'access is read, write or readWrite', 'BAD_ARGUMENT');
  assert(expiresMs >= 0, 'expiresMs is a Unix time in milliseconds', 'BAD_ARGUMENT');
  if (!isCovered(access, now.access)) {
    throw denied(`${access} is not a part of ${now.access}`);
  }
  return layOutRestriction({
    range: rangeOf(now, options),
    access: access === now.access ? undefined : access,
    holder: holderOf(now, options),
    expiresMs: expiresMs < now.expiresMs ? expiresMs : undefined,
  });
}

function rangeOf(
  now: Narrowable,
  options: NarrowOptions,
): { readonly offset: number; readonly byteLength: number } | undefined {
  const { offset = 0 } = options;
  const { byteLength = now.byteLength - offset } = options;
  if (!isRangeWithin(offset, byteLength, now.byteLength)) {
    const reason = `${byteLength} bytes from ${offset} on are not within ${now.byteLength}`;
    throw new IdcError(ErrorCode.OutOfRange, 'never', { reason });
  }
  return byteLength === now.byteLength ? undefined : { offset, byteLength };
}

function holderOf(now: Narrowable, options: NarrowOptions): string | undefined {
  const { holder } = options;
  if (holder === undefined) return undefined;
  const key = holderKeyOf(holder);
  if (key === undefined) throw denied('an unproven identity cannot be told from any other');
  if (now.holders.includes(key)) return undefined;
  if (now.holders.length > 0) throw denied('the reference is for another holder alone');
  return key;
}

function denied(reason: string): IdcError {
  return new IdcError(ErrorCode.AccessDenied, 'never', { reason });
}
