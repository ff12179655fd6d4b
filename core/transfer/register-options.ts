/** What an owner chooses when it registers a buffer, and the check of it. */
import { assert } from '../assert.js';
import { ErrorCode, IdcError } from '../errors.js';
import type { BufferAccess } from '../shared-memory.js';
import { holderKeyOf, type HolderName } from './reference-holder.js';
import type { BufferMode } from './reference-layout.js';
import { accessBits } from './reference-restriction.js';

export interface RegisterOptions {
  /** What holders may do with the buffer. */
  readonly access: BufferAccess;
  /**
   * Default `copy`. `map` lends a whole buffer of `allocateBuffer({ shared })` to holders on this
   * machine; where that cannot be, the registration is in copy mode, and says so.
   */
  readonly mode?: BufferMode;
  /**
   * Whom alone the owner serves, each on a link of its own; for instance an endpoint's peer.
   * Default: whoever has a reference. An empty list serves nobody.
   */
  readonly holders?: readonly HolderName[];
  /** Unix time in milliseconds, by this domain's wall clock; then in copy mode. Default: never. */
  readonly expiresMs?: number;
  /** Notes which blocks are written, for `takeWrittenBlocks`. In copy mode alone. */
  readonly trackWrites?: boolean;
}

/** Options, checked and with everything said. */
export interface RegisterSettings {
  readonly access: BufferAccess;
  readonly mode: BufferMode;
  /** Keys; undefined if whoever has a reference is served. */
  readonly holders: ReadonlySet<string> | undefined;
  readonly expiresMs: number;
  readonly trackWrites: boolean;
}

/** Asserts on illegal options. Throws `IdcError` ACCESS_DENIED if a holder is unproven. */
export function makeRegisterSettings(options: RegisterOptions): RegisterSettings {
  const { access, mode = 'copy', holders, expiresMs = Infinity, trackWrites = false } = options;
  assert(Object.hasOwn(accessBits, access), 'access is read, write or readWrite', 'BAD_ARGUMENT');
  assert(isMode(mode), 'mode is copy or map', 'BAD_ARGUMENT');
  assert(expiresMs >= 0, 'expiresMs is a Unix time in milliseconds', 'BAD_ARGUMENT');
  const canTrack = !trackWrites || mode === 'copy';
  assert(canTrack, 'what is written to lent memory cannot be tracked', 'BAD_ARGUMENT');
  const keys = holders === undefined ? undefined : new Set(holders.map(provenKeyOf));
  // Lent memory cannot be taken back at a set time, only by `unregister`.
  const effectiveMode = expiresMs === Infinity ? mode : 'copy';
  return { access, mode: effectiveMode, holders: keys, expiresMs, trackWrites };
}

function isMode(mode: string): boolean {
  return mode === 'copy' || mode === 'map';
}

function provenKeyOf(holder: HolderName): string {
  const key = holderKeyOf(holder);
  if (key !== undefined) return key;
  const reason = 'an unproven identity cannot be told from any other';
  throw new IdcError(ErrorCode.AccessDenied, 'never', { reason });
}
