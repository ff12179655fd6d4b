/**
 * PeerTable: who is who at a listener. A peer that returns gets the endpoint that it had; anybody
 * else gets one of its own and disturbs nobody.
 *
 * Where the transport proves an identity, (identity, domain id, endpoint name) is the key. Where it
 * proves none, a peer's own word is worth nothing: it has to show the random token that it was
 * given when it was first accepted.
 */
import type { Peer } from './api.js';
import type { EndpointCore } from './endpoint-core.js';
import type { WheelTimer } from './timer-wheel.js';

export interface PeerEntry {
  readonly core: EndpointCore;
  readonly peer: Peer;
  readonly token: string;
  readonly forgetTimer: WheelTimer;
  /**
   * Set while the endpoint is being destroyed: called once it is gone. A peer that returns
   * meanwhile waits for that, or old work could still be handled when its new epoch opens (V1).
   */
  successor: (() => void) | undefined;
  isLeaving: boolean;
}

export class PeerTable {
  /** In order of creation; absent ones move to the end when they become absent. */
  readonly #entries = new Set<PeerEntry>();
  readonly #byKey = new Map<string, PeerEntry>();

  get size(): number {
    return this.#entries.size;
  }

  find(peer: Peer, token: string): PeerEntry | undefined {
    return this.#byKey.get(keyOf(peer, token));
  }

  add(entry: PeerEntry): void {
    this.#entries.add(entry);
    this.#byKey.set(keyOf(entry.peer, entry.token), entry);
  }

  /** Idempotent. */
  remove(entry: PeerEntry): void {
    this.#entries.delete(entry);
    const key = keyOf(entry.peer, entry.token);
    if (this.#byKey.get(key) === entry) this.#byKey.delete(key);
  }

  /** Keeps the oldest absent one first among the absent. */
  becameAbsent(entry: PeerEntry): void {
    if (this.#entries.delete(entry)) this.#entries.add(entry);
  }

  oldestAbsent(): PeerEntry | undefined {
    for (const entry of this.#entries) if (entry.core.state === 'absent') return entry;
    return undefined;
  }
}

function keyOf(peer: Peer, token: string): string {
  const { kind, name } = peer.identity;
  const proof = kind === 'unproven' ? token : JSON.stringify(name);
  return `${kind} ${proof} ${peer.domainId} ${JSON.stringify(peer.endpointName)}`;
}
