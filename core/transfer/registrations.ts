/**
 * Registrations: every buffer that a domain has registered, and the check of each access to one by
 * the reference that another domain shows (B1, B2, B4).
 *
 * Whoever shows a reference learns of a registration only if the reference's code is right, and of
 * one that is for certain holders only if it is one of them. What is judged before that, form,
 * owner and incarnation, is nothing that the asker has not written there.
 */
import type { Bytes } from '../api.js';
import { assert } from '../assert.js';
import { authenticate, digestBytes, isSameSecret } from '../digest.js';
import { ErrorCode } from '../errors.js';
import { byteLengthOf } from '../local-buffer.js';
import type { Clock, Prng } from '../runtime.js';
import type { BufferAccess, SharedRegion } from '../shared-memory.js';
import { VerifiedReferences, type VerifiedReference } from './reference-cache.js';
import { HolderKeys } from './reference-holder.js';
import {
  baseAt,
  codeOf,
  layOutBase,
  parseReference,
  type BufferMode,
  type ReferenceFields,
} from './reference-layout.js';
import { isCovered, isRangeWithin } from './reference-restriction.js';
import { RemoteBufferReference } from './reference.js';
import {
  makeRegisterSettings,
  type RegisterOptions,
  type RegisterSettings,
} from './register-options.js';
import { RegistrationSlots } from './register-slots.js';
import type { BufferUse, Holder } from './register-uses.js';
import {
  Registration,
  type Grant,
  type RegisteredBuffer,
  type RegistrationKeeper,
} from './registration.js';
import { WriteTracker } from './write-tracker.js';

export type { RegisterOptions } from './register-options.js';
export type { BufferUse, Holder } from './register-uses.js';
export type { Grant, RegisteredBuffer } from './registration.js';

export interface RegistrationsHost {
  readonly clock: Clock;
  readonly prng: Prng;
  /** 32 and 16 hexadecimal digits. */
  readonly domainId: string;
  readonly incarnation: string;
  /** Where this domain can be reached, the best first. Asked when a reference is first encoded. */
  addresses(): readonly string[];
}

/** A registered buffer and who holds it. A plain copy, taken at the call. */
export interface RegistrationInfo {
  readonly buffer: RegisteredBuffer;
  readonly byteLength: number;
  readonly access: BufferAccess;
  readonly mode: BufferMode;
  /** Unix time; Infinity if its references do not expire. */
  readonly expiresMs: number;
  readonly registeredUnixMs: number;
  /** `unregister` was called, and waits for accesses in flight. */
  readonly isUnregistering: boolean;
  /** Accesses that are not over. */
  readonly inFlight: number;
  /** The most recent first, of at most 64 holders. */
  readonly uses: readonly BufferUse[];
}

export class Registrations {
  readonly #host: RegistrationsHost;
  /** What makes references this domain's own; it never leaves this object. */
  readonly #key: Uint8Array;
  readonly #owner: Uint8Array;
  readonly #slots: RegistrationSlots<Registration>;
  readonly #verified: VerifiedReferences;
  readonly #holderKeys = new HolderKeys();
  /** Regions that a registration shares now. */
  readonly #lent = new WeakSet<SharedRegion>();
  /** Unregistered, with accesses in flight. */
  readonly #leaving = new Set<Registration>();
  readonly #keeper: RegistrationKeeper;

  /** `generationMax`: after so many registrations a slot is retired. */
  constructor(host: RegistrationsHost, generationMax?: number) {
    this.#host = host;
    const random = new Uint8Array(digestBytes + 8);
    host.prng.fill(random);
    this.#key = random.slice(0, digestBytes);
    const seeds = new DataView(random.buffer, digestBytes);
    this.#verified = new VerifiedReferences(seeds.getUint32(0), seeds.getUint32(4));
    this.#owner = bytesOfHex(host.domainId + host.incarnation);
    assert(this.#owner.length === 24, 'a domain id and an incarnation');
    this.#slots = new RegistrationSlots(generationMax);
    this.#keeper = {
      clock: host.clock,
      ended: (registration) => {
        this.#slots.release(registration.fields.slot);
        this.#leaving.add(registration);
      },
      left: (registration) => {
        this.#leaving.delete(registration);
        if (registration.region !== undefined) this.#lent.delete(registration.region);
      },
    };
  }

  /** How many buffers are registered, those included that wait for accesses in flight. */
  get count(): number {
    return this.#slots.count + this.#leaving.size;
  }

  /**
   * Lets other domains use a buffer, or a list that is treated as if joined, until it is
   * unregistered. The arrays stay the caller's. Asserts on illegal options, and on lending what is
   * lent already; throws `IdcError` ACCESS_DENIED if one of `holders` is an unproven identity.
   * `region`: the memory of the buffer, if it can be lent; it is, if that is asked for and `local`
   * is all of it.
   */
  register(local: Bytes, options: RegisterOptions, region?: SharedRegion): RegisteredBuffer {
    const settings = makeRegisterSettings(options);
    const byteLength = byteLengthOf(local);
    const isLent = region !== undefined && this.#lend(region, local, settings);
    const slot = this.#slots.take();
    const fields: ReferenceFields = {
      ownerId: this.#host.domainId,
      ownerIncarnation: this.#host.incarnation,
      slot,
      generation: this.#slots.generationOf(slot),
      mode: isLent ? 'map' : 'copy',
      offset: 0,
      byteLength,
      access: settings.access,
      holders: [],
      expiresMs: settings.expiresMs,
      isWhole: true,
    };
    const reference = new RemoteBufferReference({
      fields,
      restrictionCount: 0,
      from: undefined,
      encode: () => this.#encode(fields),
    });
    const registration = new Registration(this.#keeper, local, {
      fields,
      reference,
      holders: settings.holders,
      tracker: settings.trackWrites ? new WriteTracker(byteLength) : undefined,
      region: isLent ? region : undefined,
    });
    this.#slots.fill(slot, registration);
    return registration.buffer;
  }

  /**
   * HOT: what of a registration the holder may use, or why not; nothing is touched either way.
   * `encoded`: the reference, in memory that no peer writes. The range counts from the start of
   * what the reference covers, and may be any numbers. The grant holds for this turn.
   *
   * BAD_REFERENCE, FOREIGN_REFERENCE, STALE_REFERENCE for another incarnation of this domain, and
   * FORGED_REFERENCE come first; then ACCESS_DENIED if it is for another holder, STALE_REFERENCE if
   * the buffer was unregistered, EXPIRED_REFERENCE, ACCESS_DENIED, OUT_OF_RANGE.
   */
  check(
    encoded: Uint8Array,
    holder: Holder,
    access: BufferAccess,
    offset: number,
    byteLength: number,
  ): Grant | ErrorCode {
    const verified = this.#verified.find(encoded) ?? this.#verify(encoded);
    if (typeof verified === 'string') return verified;
    const { fields, registration } = verified;
    if (!this.#isFor(fields.holders, holder)) return ErrorCode.AccessDenied;
    if (registration?.isLive !== true) return ErrorCode.StaleReference;
    const { holders } = registration;
    const isAdmitted =
      holders === undefined || holders.has(this.#holderKeys.keyOf(holder.identity));
    if (!isAdmitted) return ErrorCode.AccessDenied;
    const { expiresMs } = fields;
    const isExpired = expiresMs !== Infinity && this.#host.clock.unixMs() >= expiresMs;
    if (isExpired) return ErrorCode.ExpiredReference;
    if (!isCovered(access, fields.access)) return ErrorCode.AccessDenied;
    if (!isRangeWithin(offset, byteLength, fields.byteLength)) return ErrorCode.OutOfRange;
    // Lent memory is lent whole, to who is on the link, and until it is taken back.
    const mayMap = fields.isWhole && !holder.isRelayed && expiresMs === Infinity;
    return { registration, offset: fields.offset + offset, mayMap };
  }

  /** All registrations, those included that wait for accesses in flight. */
  list(): readonly RegistrationInfo[] {
    return [...this.#slots.values(), ...this.#leaving].map((registration) => ({
      buffer: registration.buffer,
      byteLength: registration.fields.byteLength,
      access: registration.fields.access,
      mode: registration.fields.mode,
      expiresMs: registration.fields.expiresMs,
      registeredUnixMs: registration.registeredUnixMs,
      isUnregistering: !registration.isLive,
      inFlight: registration.inFlight,
      uses: registration.uses(),
    }));
  }

  /** Resolves when every registration is over, those included that were ending already. */
  async unregisterAll(): Promise<void> {
    const all = [...this.#slots.values(), ...this.#leaving];
    await Promise.all(all.map((registration) => registration.unregister()));
  }

  #verify(encoded: Uint8Array): VerifiedReference | ErrorCode {
    const parsed = parseReference(encoded);
    if (parsed === undefined) return ErrorCode.BadReference;
    const { fields, ends } = parsed;
    if (fields.ownerId !== this.#host.domainId) return ErrorCode.ForeignReference;
    if (fields.ownerIncarnation !== this.#host.incarnation) return ErrorCode.StaleReference;
    let code = this.#key;
    let from = baseAt;
    for (const end of ends) {
      code = authenticate(code, encoded.subarray(from, end));
      from = end;
    }
    if (!isSameSecret(code, codeOf(encoded))) return ErrorCode.ForgedReference;
    const registration = this.#slots.find(fields.slot, fields.generation);
    const verified = { fields, registration };
    if (registration !== undefined) this.#verified.add(encoded, verified);
    return verified;
  }

  #isFor(keys: readonly string[], holder: Holder): boolean {
    for (const key of keys) {
      if (key !== this.#holderKeys.keyOf(holder.identity)) return false;
    }
    return true;
  }

  #encode(fields: ReferenceFields): Uint8Array {
    const addresses = this.#host.addresses();
    const encoded = layOutBase({ ...fields, owner: this.#owner, addresses });
    codeOf(encoded).set(authenticate(this.#key, encoded.subarray(baseAt, -digestBytes)));
    return encoded;
  }

  /** Shares the region; false if the buffer is to be served by copy. */
  #lend(region: SharedRegion, local: Bytes, settings: RegisterSettings): boolean {
    if (settings.mode === 'copy' || !isAllOf(local, region.bytes)) return false;
    assert(!this.#lent.has(region), 'memory is lent by one registration at a time', 'BAD_ARGUMENT');
    if (region.share(settings.access) !== undefined) return false;
    this.#lent.add(region);
    return true;
  }
}

/** True if it is the same memory from the first byte to the last. */
function isAllOf(local: Bytes, whole: Uint8Array): boolean {
  if (!(local instanceof Uint8Array) || local.buffer !== whole.buffer) return false;
  return local.byteOffset === whole.byteOffset && local.length === whole.length;
}

function bytesOfHex(text: string): Uint8Array {
  const pairs = text.match(/[0-9a-f]{2}/gu) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}
