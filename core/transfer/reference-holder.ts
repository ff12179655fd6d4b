/**
 * Holders by name: whom a reference, or a registration, is restricted to, in a form of one length
 * that fits a reference and does not tell the name.
 */
import { digestOf } from '../digest.js';
import type { PeerIdentity } from '../transport.js';
import { holderKeyBytes } from './reference-restriction.js';

/** A party as a transport proves it; a peer's `identity` is one. */
export type HolderName = Pick<PeerIdentity, 'kind' | 'name'>;

/** Numbers on the wire. Who is unproven cannot be told from anybody else, so it has none. */
const kindNumbers: Readonly<Record<PeerIdentity['kind'], number | undefined>> = {
  unproven: undefined,
  thread: 1,
  process: 2,
  key: 3,
  certificate: 4,
};

/** The same for equal names of one kind; undefined if the kind proves nothing. */
export function holderKeyOf(holder: HolderName): string | undefined {
  const kindNumber = kindNumbers[holder.kind];
  if (kindNumber === undefined) return undefined;
  const digest = digestOf(`${holder.kind}\0${holder.name}`).subarray(0, holderKeyBytes - 1);
  return String.fromCharCode(kindNumber, ...digest);
}

/** Computes the keys of identities once each, for they are asked for at every access. */
export class HolderKeys {
  readonly #keys = new WeakMap<PeerIdentity, string>();

  /** HOT; empty, which is nobody's key, if the identity proves nothing. */
  keyOf(identity: PeerIdentity): string {
    return this.#keys.get(identity) ?? this.#compute(identity);
  }

  #compute(identity: PeerIdentity): string {
    const key = holderKeyOf(identity) ?? '';
    this.#keys.set(identity, key);
    return key;
  }
}
