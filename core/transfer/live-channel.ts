/** LiveChannel: one channel that is kept, at either end, and who waits for it to be connected. */
import type { Place } from '../connector.js';
import type { Endpoint } from '../endpoint.js';
import type { SharedMemory } from '../shared-memory.js';
import type { PeerIdentity, Transport } from '../transport.js';
import type { Channel } from './channel.js';
import type { LaneEnd } from './lane-end.js';

/** What a request and an answer carry beside the data of one piece, in bytes. */
export const requestOverheadBytes = 2_048;
export const answerOverheadBytes = 64;

export class LiveChannel implements Channel {
  readonly memory: SharedMemory | undefined;
  /** The peer is who it says it is: we dialled or summoned it, or its transport proves a name. */
  readonly isTrusted: boolean;
  /** Something went over it since the last sweep. */
  isUsed = true;
  /** An attempt to connect failed, and none has succeeded since. */
  hasFailed = false;
  /** Since when it is dialled, in milliseconds of the runtime's clock. */
  readonly sinceMs: number;
  /** Sweeps since it was used. */
  idleSweeps = 0;
  lane: LaneEnd | undefined = undefined;
  /** Where it was dialled; undefined at the end that was. */
  readonly place: Place | undefined;
  #endpoint: Endpoint | undefined = undefined;
  readonly #waiters = new Set<(isConnected: boolean) => void>();

  constructor(transport: Transport, isTrusted: boolean, nowMs: number, place?: Place) {
    this.place = place;
    this.sinceMs = nowMs;
    this.memory = transport.memory;
    this.isTrusted = isTrusted;
  }

  get endpoint(): Endpoint {
    if (this.#endpoint === undefined) throw new TypeError('the channel has no endpoint yet');
    return this.#endpoint;
  }

  set endpoint(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** HOT */
  get isConnected(): boolean {
    return this.#endpoint?.state === 'connected';
  }

  get pieceBytes(): number {
    const { parameterBytes, statusBytes } = this.endpoint.quota;
    return Math.min(parameterBytes - requestOverheadBytes, statusBytes - answerOverheadBytes);
  }

  get identity(): PeerIdentity | undefined {
    return this.#endpoint?.peer?.identity;
  }

  leadsTo(ownerId: string, incarnation: string): boolean {
    const peer = this.#endpoint?.peer;
    return peer?.domainId === ownerId && peer.incarnation === incarnation;
  }

  /** True once it is connected; false if an attempt failed first, or nothing came in time. */
  whenConnected(onSettled: (isConnected: boolean) => void): () => void {
    if (this.isConnected) {
      onSettled(true);
      return () => undefined;
    }
    this.#waiters.add(onSettled);
    return () => {
      this.#waiters.delete(onSettled);
    };
  }

  /** An attempt to connect has succeeded, or failed. */
  settle(isConnected: boolean): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter(isConnected);
  }
}
