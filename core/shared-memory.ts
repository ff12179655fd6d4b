/**
 * The contract of shared memory: what a medium may offer beside links, so that a buffer can be lent
 * to another domain without copying (B9).
 *
 * S1  `allocate` answers private memory, all zero. Nobody else can map it before `share`.
 * S2  `share` makes what is in `bytes` mappable with one access for everybody; `bytes` stays the
 *     same array at the same address. What the holders then store is seen in it, and the reverse.
 *     Where the access is `read` the medium lets nobody map it for writing.
 * S3  `revoke` is unilateral and bounded: when it returns no holder can change a byte of `bytes`
 *     or learn one that is stored later, whatever the holder does; and `bytes` is whole, with what
 *     it held, at every instant. After it the memory is private again, and may be shared again.
 * S4  `map` believes nothing of the description: it proves that no access to the memory can fault.
 * S5  `enter` and `leave` bracket one access of a holder. If `leave` answers false, the memory was
 *     revoked meanwhile: what was read may be stale and what was written may be lost.
 * S6  After `release` nobody may use the bytes; nothing but an empty address range remains.
 */
import type { Fault, PeerIdentity } from './transport.js';

/** What a holder may do with a remote buffer. */
export type BufferAccess = 'read' | 'write' | 'readWrite';

/** Longest description of a region, in bytes. */
export const descriptionBytesMax = 256;

export interface SharedMemory {
  /** Fails as `Exhausted` or `Unsupported`. */
  allocate(byteLength: number): SharedRegion | Fault;
  /**
   * Maps what the peer of that identity described. Fails as `Corrupt` if no legal peer describes
   * it so, `Unreachable` if there is no way to it from here, or `Exhausted`.
   */
  map(
    identity: PeerIdentity,
    description: Uint8Array,
    byteLength: number,
    access: BufferAccess,
  ): MappedRegion | Fault;
}

/** The owner's side. */
export interface SharedRegion {
  readonly bytes: Uint8Array;
  share(access: BufferAccess): Fault | undefined;
  /** What a holder needs for `map`; only while it is shared. */
  describe(): Uint8Array;
  revoke(): void;
  /** Idempotent; revokes first. */
  release(): void;
}

/** A holder's side. */
export interface MappedRegion {
  readonly bytes: Uint8Array;
  /** HOT: announces an access; false if the memory was revoked. */
  enter(): boolean;
  /** HOT: ends it; false if the memory was revoked since. */
  leave(): boolean;
  /** Idempotent. */
  release(): void;
}
