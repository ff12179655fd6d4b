/**
 * RemoteBufferReference: a name for a range of a buffer that some domain owns, which can be passed
 * on as bytes and made weaker by whoever has it (B1 to B3).
 *
 * Having it is being allowed to use it, within what it says; so its bytes are a secret, shown by
 * `encode` alone. What it says of itself is true if its owner made it, and the owner checks that at
 * each use. The object never changes.
 */
import { assert } from '../assert.js';
import { authenticate, digestOf } from '../digest.js';
import type { Endpoint } from '../endpoint.js';
import { ErrorCode, IdcError } from '../errors.js';
import type { BufferAccess } from '../shared-memory.js';
import {
  addressesOfReference,
  codeOf,
  layOutRestricted,
  parseReference,
  referenceBytesMax,
  type BufferMode,
  type ReferenceFields,
} from './reference-layout.js';
import { makeRestriction, type NarrowOptions } from './reference-narrow.js';
import { restrictionsMax } from './reference-restriction.js';

/** What a reference is made of; the parts are believed. */
interface ReferenceParts {
  readonly fields: ReferenceFields;
  readonly restrictionCount: number;
  readonly from: Endpoint | undefined;
  /** Answers the encoded form; called once at most, when it is first needed. */
  readonly encode: () => Uint8Array;
}

export class RemoteBufferReference {
  /** Domain id of the owner: 32 hexadecimal digits. */
  readonly ownerId: string;
  /** The owner's incarnation: 16 hexadecimal digits. If it restarts, the reference is stale. */
  readonly ownerIncarnation: string;
  /** Of the range that this reference covers. */
  readonly byteLength: number;
  /** What the holder may do. */
  readonly access: BufferAccess;
  /** `map`: the owner lends the memory where it can; the rest goes by copy. */
  readonly mode: BufferMode;
  /** Unix time in milliseconds, by the owner's wall clock; Infinity if it does not expire. */
  readonly expiresMs: number;
  readonly #parts: ReferenceParts;
  #encoded: Uint8Array | undefined = undefined;
  #addresses: readonly string[] | undefined = undefined;

  /** @internal Registering makes one; `decode` and `narrow` make others. */
  constructor(parts: ReferenceParts) {
    const { fields } = parts;
    this.ownerId = fields.ownerId;
    this.ownerIncarnation = fields.ownerIncarnation;
    this.byteLength = fields.byteLength;
    this.access = fields.access;
    this.mode = fields.mode;
    this.expiresMs = fields.expiresMs;
    this.#parts = parts;
  }

  /**
   * Reads what `encode` gave, here or in another domain; the bytes are copied. `from`: the endpoint
   * that the reference came over, whose peer is asked to relay if there is no way to the owner.
   * Throws `IdcError` BAD_REFERENCE for bytes that are none.
   */
  static decode(bytes: Uint8Array, from?: Endpoint): RemoteBufferReference {
    assert(bytes instanceof Uint8Array, 'a reference is decoded from a Uint8Array', 'BAD_ARGUMENT');
    if (bytes.length > referenceBytesMax) throw badReference();
    // A copy comes first: others may be able to write the bytes.
    const encoded = new Uint8Array(bytes);
    const reference = fromEncoded(encoded, from);
    const hasAddresses = addressesOfReference(encoded) !== undefined;
    if (reference === undefined || !hasAddresses) throw badReference();
    from?.learn(reference.ownerId);
    return reference;
  }

  /** Where the owner may be reached; as much of that as had room. */
  get addresses(): readonly string[] {
    this.#addresses ??= Object.freeze(addressesOfReference(this.#bytes()) ?? []);
    return this.#addresses;
  }

  /** @internal Whom it came from: the relay of last resort. */
  get from(): Endpoint | undefined {
    return this.#parts.from;
  }

  /** @internal True if it is narrowed neither in range nor in access. */
  get isWhole(): boolean {
    return this.#parts.fields.isWhole;
  }

  /** @internal The encoded form itself, which nobody may write. */
  get encoded(): Uint8Array {
    return this.#bytes();
  }

  /** The bytes to pass on, at most 1,024: a copy of the caller's own. Keep them from others. */
  encode(): Uint8Array {
    return new Uint8Array(this.#bytes());
  }

  /**
   * A weaker reference, made without asking the owner; this one stays as it is. A reference that
   * would not be weaker is this one. At least 8 restrictions fit, of whatever kind. Throws
   * `IdcError`: TOO_LARGE if no more fit, OUT_OF_RANGE for a range that this one does not cover,
   * ACCESS_DENIED for access that it does not give, for a second holder, and for an unproven one.
   */
  narrow(options: NarrowOptions): RemoteBufferReference {
    const { fields, restrictionCount, from } = this.#parts;
    const restriction = makeRestriction(fields, options);
    if (restriction === undefined) return this;
    const before = this.#bytes();
    const isFull = restrictionCount === restrictionsMax;
    if (isFull || before.length + restriction.length > referenceBytesMax) {
      const reason = 'the reference has no room for another restriction';
      throw new IdcError(ErrorCode.TooLarge, 'never', { reason });
    }
    const bytes = layOutRestricted(before, restriction);
    codeOf(bytes).set(authenticate(codeOf(before), restriction));
    const narrowed = fromEncoded(bytes, from);
    assert(narrowed !== undefined, 'a narrowed reference can be read');
    return narrowed;
  }

  /** For logs: tells references apart, and gives nothing away. */
  toString(): string {
    const mark = digestOf(this.#bytes()).subarray(0, 4);
    const name = Array.from(mark, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const { access, byteLength, ownerId } = this;
    return `buffer ${name} of ${ownerId.slice(0, 8)}: ${byteLength} bytes, ${access}`;
  }

  #bytes(): Uint8Array {
    this.#encoded ??= this.#parts.encode();
    return this.#encoded;
  }
}

/** The reference in bytes that nobody else has; undefined if they are none. */
function fromEncoded(
  bytes: Uint8Array,
  from: Endpoint | undefined,
): RemoteBufferReference | undefined {
  const parsed = parseReference(bytes);
  if (parsed === undefined) return undefined;
  const restrictionCount = parsed.ends.length - 1;
  return new RemoteBufferReference({
    fields: parsed.fields,
    restrictionCount,
    from,
    encode: () => bytes,
  });
}

function badReference(): IdcError {
  return new IdcError(ErrorCode.BadReference, 'never');
}
