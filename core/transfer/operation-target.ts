/**
 * Target: what a holder keeps beside a reference, so that using it again costs nothing. It goes
 * with the reference.
 */
import { assert } from '../assert.js';
import type { Channel } from './channel.js';
import type { Lease, Leases } from './lease.js';
import type { Mapping } from './operation-mappings.js';
import { codeOf, parseReference, type ReferenceFields } from './reference-layout.js';
import type { RemoteBufferReference } from './reference.js';

/** Whose buffer it is: this domain's, one that it had before it restarted, or another's. */
export type Ownership = 'own' | 'former' | 'remote';

export class Target {
  readonly reference: RemoteBufferReference;
  /** The encoded reference; nobody writes it. */
  readonly encoded: Uint8Array;
  readonly ownership: Ownership;
  readonly lease: Lease;
  readonly mayRead: boolean;
  readonly mayWrite: boolean;
  /**
   * The memory may be lent for this reference: it is whole, and no date ends it, which the owner
   * could judge at no other time than when it lends.
   */
  readonly mayMap: boolean;
  /** The lent memory, as far as it was asked for with this reference. */
  mapping: Mapping | undefined = undefined;
  /** The channel over which no more than `pieceBytes` pass to the owner. */
  narrowChannel: Channel | undefined = undefined;
  narrowBytes: number = Infinity;
  #fields: ReferenceFields | undefined = undefined;
  #registrationKey: string | undefined = undefined;

  constructor(reference: RemoteBufferReference, ownership: Ownership, lease: Lease) {
    this.reference = reference;
    this.encoded = reference.encoded;
    this.ownership = ownership;
    this.lease = lease;
    this.mayRead = reference.access !== 'write';
    this.mayWrite = reference.access !== 'read';
    const isLasting = reference.expiresMs === Infinity;
    this.mayMap = reference.mode === 'map' && reference.isWhole && isLasting;
  }

  /** Names the registered buffer, whatever was made narrower since. */
  get registrationKey(): string {
    if (this.#registrationKey === undefined) {
      const { slot, generation } = this.#read();
      this.#registrationKey = `${this.lease.ownerKey}.${slot}.${generation}`;
    }
    return this.#registrationKey;
  }

  /** Where the reference begins in the registered buffer. */
  get baseOffset(): number {
    return this.#read().offset;
  }

  /** Tells references to one buffer apart. */
  get code(): string {
    return String.fromCharCode(...codeOf(this.encoded));
  }

  /** HOT: the most bytes of a piece that pass to the owner by way of `channel`. */
  pieceBytesOver(channel: Channel): number {
    const { pieceBytes } = channel;
    return channel === this.narrowChannel ? Math.min(pieceBytes, this.narrowBytes) : pieceBytes;
  }

  /** A relay behind `channel` passes no more than `byteLength`. False if that is nothing new. */
  narrow(channel: Channel, byteLength: number): boolean {
    if (byteLength < 1 || byteLength >= this.pieceBytesOver(channel)) return false;
    this.narrowChannel = channel;
    this.narrowBytes = byteLength;
    return true;
  }

  #read(): ReferenceFields {
    this.#fields ??= parseReference(this.encoded)?.fields;
    assert(this.#fields !== undefined, 'a reference can be read');
    return this.#fields;
  }
}

/** The targets of one domain. */
export class Targets {
  readonly #domainId: string;
  readonly #incarnation: string;
  readonly #leases: Leases;
  readonly #byReference = new WeakMap<RemoteBufferReference, Target>();
  /** The last one, for it is often the next one. */
  #last: Target | undefined = undefined;

  constructor(domainId: string, incarnation: string, leases: Leases) {
    this.#domainId = domainId;
    this.#incarnation = incarnation;
    this.#leases = leases;
  }

  /** HOT */
  of(reference: RemoteBufferReference): Target {
    const last = this.#last;
    if (last !== undefined && last.reference === reference) return last;
    const target = this.#byReference.get(reference) ?? this.#make(reference);
    this.#last = target;
    return target;
  }

  /** Forgets the last one, which would be kept from being collected. */
  end(): void {
    this.#last = undefined;
  }

  #make(reference: RemoteBufferReference): Target {
    const { ownerId, ownerIncarnation } = reference;
    const ownership = this.#ownershipOf(ownerId, ownerIncarnation);
    const lease = this.#leases.get(ownerId, ownerIncarnation);
    const target = new Target(reference, ownership, lease);
    this.#byReference.set(reference, target);
    return target;
  }

  #ownershipOf(ownerId: string, incarnation: string): Ownership {
    if (ownerId !== this.#domainId) return 'remote';
    return incarnation === this.#incarnation ? 'own' : 'former';
  }
}
