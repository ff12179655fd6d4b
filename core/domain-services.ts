/** What a domain lends to its endpoints and listeners. Types only. */
import type { Peer } from './api.js';
import type { EndpointCore } from './endpoint-core.js';
import type { Greeting } from './greeting.js';
import type { KeepAlive } from './keep-alive.js';
import type { Quota } from './quota.js';
import type { Runtime } from './runtime.js';
import type { Session } from './session.js';
import type { TimerWheel } from './timer-wheel.js';
import type { TransactionSlots } from './transaction-slots.js';
import type { PeerIdentity } from './transport.js';

export interface DomainServices {
  readonly runtime: Runtime;
  readonly wheel: TimerWheel;
  readonly keepAlive: KeepAlive;
  /** Calls `session.endTurn()` before this turn of the domain is over. */
  endTurnSoon(session: Session): void;
  /** Calls `slots.stamp` when this turn of the domain is over. */
  readonly stampSoon: (slots: TransactionSlots) => void;
  /** Runs `task` once the caller has returned. */
  defer(task: () => void): void;
  /** This domain's greeting, for one endpoint. */
  greet(quota: Quota, endpointName: string, service: string, token: string): Greeting;
  describePeer(identity: PeerIdentity, greeting: Greeting): Peer;
  /** Decides by the domain's policy whether `peer` may connect to `service`. */
  mayConnect(peer: Peer, service: string): boolean;
  /** Decides whether `peer` may carry transfers: on behalf of references that it has. */
  mayTransfer(peer: Peer): boolean;
  /** An epoch of the endpoint is open: it leads to its peer. */
  epochOpened(core: EndpointCore): void;
  /** It does not any more. */
  epochEnded(core: EndpointCore): void;
  /** The peer at the other end of an endpoint that dialled asks for a channel. */
  summoned(core: EndpointCore, nonce: number): void;
  /** A reference of the domain `ownerId` came from the domain `from`. */
  learn(ownerId: string, from: string): void;
  /** The endpoint is destroyed. */
  forget(core: EndpointCore): void;
}
