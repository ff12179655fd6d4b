/**
 * Channel: the session between two domains that carries transfers, and how one is found. Types
 * only; `channels.ts` opens and keeps them.
 *
 * A channel is an endpoint of a reserved service on a link of its own. Both of its ends submit
 * transactions on it, so a domain that only dials can be an owner too (B3, B8).
 */
import type { Endpoint } from '../endpoint.js';
import type { IdcError } from '../errors.js';
import type { SharedMemory } from '../shared-memory.js';
import type { PeerIdentity } from '../transport.js';
import type { LaneEnd } from './lane-end.js';
import type { RemoteBufferReference } from './reference.js';

export interface Channel {
  readonly endpoint: Endpoint;
  readonly isConnected: boolean;
  /** Most data bytes in one request or answer. */
  readonly pieceBytes: number;
  /** Of the peer, by the transport's word; undefined before the first link. */
  readonly identity: PeerIdentity | undefined;
  /** Of the channel's transport, if it has any. */
  readonly memory: SharedMemory | undefined;
  /** The bulk lane of this epoch, once there is one, until it is lost. */
  readonly lane: LaneEnd | undefined;
  /** True if its peer is the owner itself; else it is a relay on the way there. */
  leadsTo(ownerId: string, incarnation: string): boolean;
}

export interface Routes {
  /** HOT: the channel for this reference, if one is connected right now. */
  current(reference: RemoteBufferReference): Channel | undefined;
  /**
   * Opens what is needed. Answers a connected channel, or why there is none; bounded by
   * `deadlineMs`, a time of the runtime's clock. `visited`: ids of domains not to go through.
   */
  find(
    reference: RemoteBufferReference,
    deadlineMs: number,
    visited: readonly string[],
  ): Promise<Channel | IdcError>;
}
