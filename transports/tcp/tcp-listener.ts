/**
 * TcpListener: one server socket.
 *
 * The host is resolved here and the server bound to the resolved address, so that the address that
 * was found to be loopback is the one that is listened on. An accepted connection becomes a link
 * at once and is counted by the server no more: links outlive their listener.
 */
import { lookup } from 'node:dns';
import { createServer, type Server, type Socket } from 'node:net';
import { makeAddress, type Address } from '../../core/address.js';
import { assert } from '../../core/assert.js';
import { unclaimedLanesMax } from '../../core/bulk-lane.js';
import { Fault, type Accept, type TransportListener } from '../../core/transport.js';
import type { Connection } from './connection.js';
import type { LinkGroup } from './link-group.js';
import { formatAuthority, isLoopback, parseAuthority } from './tcp-authority.js';
import { faultOf } from './tcp-fault.js';
import { TcpLane } from './tcp-lane.js';
import { TcpLink } from './tcp-link.js';

/**
 * Connections that the kernel may hold before they are accepted; it takes its own limit if that is
 * less. Thousands reconnect at once when a service restarts.
 */
const backlog = 4096;

/** In the order of a listener's life. */
const ListenerState = {
  /** The host is being looked up. */
  Resolving: 0,
  /** `listening` or `failed` is due. */
  Binding: 1,
  Listening: 2,
  Failed: 3,
  /** `closed` is due. */
  Closing: 4,
  Closed: 5,
} as const;
type ListenerState = (typeof ListenerState)[keyof typeof ListenerState];

export class TcpListener implements TransportListener {
  readonly #group: LinkGroup;
  readonly #address: Address;
  readonly #accept: Accept;
  readonly #server: Server;
  #state: ListenerState = ListenerState.Resolving;
  /** Lanes whose sink has not said yet that they are its. */
  #unclaimedCount = 0;

  constructor(group: LinkGroup, address: Address, accept: Accept) {
    this.#group = group;
    this.#address = address;
    this.#accept = accept;
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
    this.#server.on('connection', (socket) => this.#adopt(socket));
    this.#server.on('listening', () => this.#bound());
    this.#server.on('error', (error) => this.#refused(error));
    this.#resolve();
  }

  close(): void {
    const state = this.#state;
    if (state >= ListenerState.Closing) return;
    this.#state = ListenerState.Closing;
    // A server that is binding cannot be closed; `#bound` or `#refused` sees to it.
    if (state === ListenerState.Listening) this.#server.close(() => this.#release());
    else if (state !== ListenerState.Binding) this.#soon(() => this.#release());
  }

  #resolve(): void {
    const authority = parseAuthority(this.#address.authority);
    if (authority === undefined) {
      this.#soon(() => this.#fail(Fault.Unsupported));
      return;
    }
    lookup(authority.host, (error, ip) => {
      if (this.#state !== ListenerState.Resolving) return; // Closed meanwhile.
      if (error !== null) this.#fail(faultOf(error, Fault.NotFound));
      else if (!this.#mayListenOn(ip)) this.#fail(Fault.AccessDenied);
      else this.#bind(ip, authority.port);
    });
  }

  #mayListenOn(ip: string): boolean {
    return this.#group.settings.plaintextBeyondLoopback === 'allow' || isLoopback(ip);
  }

  #bind(ip: string, port: number): void {
    this.#state = ListenerState.Binding;
    // Exclusive: in a cluster each process has its own, and port 0 gives each another port.
    this.#server.listen({ host: ip, port, exclusive: true, backlog });
  }

  #bound(): void {
    if (this.#state === ListenerState.Closing) {
      this.#server.close(() => this.#release());
      return;
    }
    this.#state = ListenerState.Listening;
    this.#accept.listening(this.#boundAddress());
  }

  /**
   * While listening, the only errors are of single connections that could not be accepted for want
   * of a descriptor. Those are dropped and their diallers told by the kernel; the listener lives.
   */
  #refused(error: Error): void {
    if (this.#state === ListenerState.Closing) this.#release();
    else if (this.#state === ListenerState.Binding) this.#fail(faultOf(error, Fault.Unsupported));
  }

  #fail(fault: Fault): void {
    if (this.#state >= ListenerState.Closing) return;
    this.#state = ListenerState.Failed;
    this.#accept.failed(fault);
  }

  #adopt(socket: Socket): void {
    if (this.#state !== ListenerState.Listening) {
      socket.destroy();
      return;
    }
    const takeLane = this.#accept.acceptLane === undefined ? undefined : this.#takeLane;
    const link = TcpLink.adopt(this.#group, socket, takeLane);
    link.attach(this.#accept.accept(link));
  }

  readonly #takeLane = (connection: Connection): void => {
    const mayCome = this.#state === ListenerState.Listening;
    if (!mayCome || this.#unclaimedCount === unclaimedLanesMax) {
      connection.socket.destroy();
      return;
    }
    this.#unclaimedCount += 1;
    const lane = TcpLane.adopt(this.#group, connection, () => (this.#unclaimedCount -= 1));
    const sink = this.#accept.acceptLane?.(lane);
    assert(sink !== undefined, 'whoever accepts lanes goes on doing so', 'BAD_ARGUMENT');
    lane.attach(sink);
  };

  #release(): void {
    this.#state = ListenerState.Closed;
    this.#accept.closed();
  }

  /** The host as it was given, with the port that was really bound. */
  #boundAddress(): Address {
    const bound = this.#server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
    const host = parseAuthority(this.#address.authority)?.host ?? '';
    return makeAddress(this.#address.scheme, formatAuthority(host, port), this.#address.service);
  }

  #soon(task: () => void): void {
    this.#group.runtime.scheduler.soon(task);
  }
}
