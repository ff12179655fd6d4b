/** What an address says of a ring's place, and what is said of who came from there. */
import type { Address } from '../../core/address.js';
import type { PeerIdentity } from '../../core/transport.js';
import type { Credentials } from './wire.js';

/** The name to listen or dial at, percent-decoded; undefined if it is none. */
export function nameOf(address: Address): string | undefined {
  try {
    const name = decodeURIComponent(address.authority);
    return name.includes('\0') ? undefined : name;
  } catch {
    return undefined; // A percent sign that encodes nothing.
  }
}

/**
 * The same user is the same party, whatever its process: one that restarts is recognised. A thread
 * of this process is known only to be one.
 */
export function identityOf(address: Address, credentials: Credentials | undefined): PeerIdentity {
  const place = `ring://${address.authority}`;
  if (credentials === undefined) {
    return Object.freeze({ kind: 'thread', name: `pid:${process.pid}`, origin: place });
  }
  const { pid, uid, gid } = credentials;
  return Object.freeze({
    kind: 'process',
    name: `uid:${uid}`,
    origin: `${place} pid ${pid}`,
    process: Object.freeze({ pid, uid, gid }),
  });
}
