/** What a domain lends to its endpoints and listeners. Types only. */
import type { Peer } from './api.js';
import type { EndpointCore } from './endpoint-core.js';
import type { Greeting } from './greeting.js';
import type { KeepAlive } from './keep-alive.js';
import type { Quota } from './quota.js';
import type { Runtime } from './runtime.js';
import type { Session } from './session.js';
import type { TimerWheel } from './timer-wheel.js';
import type { PeerIdentity } from './transport.js';

export interface DomainServices {
  readonly runtime: Runtime;
  readonly wheel: TimerWheel;
  readonly keepAlive: KeepAlive;
  /** Calls `session.endTurn()` before this turn of the domain is over. */
  endTurnSoon(session: Session): void;
  /** Runs `task` once the caller has returned. */
  defer(task: () => void): void;
  /** This domain's greeting, for one endpoint. */
  greet(quota: Quota, endpointName: string, service: string, token: string): Greeting;
  describePeer(identity: PeerIdentity, greeting: Greeting): Peer;
  /** Decides by the domain's policy whether `peer` may connect to `service`. */
  mayConnect(peer: Peer, service: string): boolean;
  /** The endpoint is destroyed. */
  forget(core: EndpointCore): void;
}
