/**
 * Port: one transport listener, shared by all services that a domain offers at one authority.
 *
 * It keeps trying to listen, greets whoever comes, and hands the greeted to the listener of the
 * service that they ask for. Until then a peer costs one session and a short timer, and there are
 * at most `greetingsMax` of those.
 */
import type { TimeLimits } from './api.js';
import { assert } from './assert.js';
import { makeAddress, type Address } from './address.js';
import type { BulkLane, LaneSink } from './bulk-lane.js';
import type { DomainServices } from './domain-services.js';
import { ErrorCode } from './errors.js';
import type { Greeting } from './greeting.js';
import type { SessionOwner } from './session-owner.js';
import { Session } from './session.js';
import { WheelTimer } from './timer-wheel.js';
import type { Accept, Fault, Link, LinkSink, Transport, TransportListener } from './transport.js';
import type { Peer } from './api.js';

/** Peers that may be in their greeting at one time; more are turned away at once. */
const greetingsMax = 1024;

/** A service behind a port. */
export interface PortService {
  readonly service: string;
  listening(address: Address): void;
  failed(fault: Fault, nextInMs: number): void;
  /** Somebody was greeted and may connect: takes the session over, or refuses it. */
  greeted(session: Session, greeting: Greeting, peer: Peer): void;
}

/** The service that comes with every port and does not keep it open: channels for transfers. */
export interface InnerService extends PortService {
  close(): Promise<void>;
}

export class Port implements Accept, SessionOwner {
  readonly #services: DomainServices;
  readonly #transport: Transport;
  readonly #address: Address;
  readonly #limits: TimeLimits;
  readonly #onClosed: () => void;
  readonly #byService = new Map<string, PortService>();
  #inner: InnerService | undefined = undefined;
  #takeLane: ((lane: BulkLane) => LaneSink) | undefined = undefined;
  readonly #greeting = new Set<Session>();
  #listener: TransportListener | undefined = undefined;
  #bound: Address | undefined = undefined;
  #failures = 0;
  #isClosing = false;
  #resolveClosed: () => void = () => undefined;
  readonly #closedPromise: Promise<void>;
  readonly #retryTimer = new WheelTimer(() => {
    this.#listen();
  });

  constructor(
    services: DomainServices,
    transport: Transport,
    address: Address,
    limits: TimeLimits,
    onClosed: () => void,
  ) {
    this.#services = services;
    this.#transport = transport;
    this.#address = address;
    this.#limits = limits;
    this.#onClosed = onClosed;
    this.#closedPromise = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Set once, right after creation. */
  set inner(inner: InnerService) {
    this.#inner = inner;
  }

  /** Set once, right after creation: answers the lanes that come for channels. */
  set takeLane(takeLane: (lane: BulkLane) => LaneSink) {
    this.#takeLane = takeLane;
  }

  /** The authority that it is bound to; as asked for until then. */
  get authority(): string {
    return (this.#bound ?? this.#address).authority;
  }

  /** False if the service is taken, or the port is closing. */
  add(service: PortService): boolean {
    if (this.#isClosing || this.#byService.has(service.service)) return false;
    this.#byService.set(service.service, service);
    if (this.#byService.size === 1) this.#services.wheel.arm(this.#retryTimer, 0);
    else if (this.#bound !== undefined) this.#tellBound(service, this.#bound);
    return true;
  }

  /** Resolves once everything is released, or at once while other services are left. */
  closedIfEmpty(): Promise<void> {
    return this.#isClosing ? this.#closedPromise : Promise.resolve();
  }

  /** The last service that leaves closes the port. */
  remove(service: PortService): void {
    if (this.#byService.get(service.service) !== service) return;
    this.#byService.delete(service.service);
    if (this.#byService.size > 0) return;
    this.#isClosing = true;
    this.#onClosed();
    this.#services.wheel.disarm(this.#retryTimer);
    for (const session of this.#greeting) session.fail(ErrorCode.Destroyed);
    this.#listener?.close();
    void this.#closeInner();
  }

  listening(address: Address): void {
    this.#failures = 0;
    this.#bound = address;
    for (const service of [...this.#byService.values()]) {
      this.#tellBound(service, address);
    }
  }

  failed(fault: Fault): void {
    const { dialMinMs, dialMaxMs } = this.#limits;
    const delayMs = Math.min(dialMaxMs, dialMinMs * 2 ** Math.min(30, this.#failures));
    this.#failures++;
    this.#bound = undefined;
    this.#listener?.close();
    if (this.#isClosing) return;
    this.#services.wheel.arm(this.#retryTimer, delayMs);
    for (const service of [...this.#byService.values()]) service.failed(fault, delayMs);
  }

  accept(link: Link): LinkSink {
    const { frameBytesMax } = this.#transport.capabilities;
    const session = new Session('accept', this, this.#services.wheel, frameBytesMax);
    session.attach(link);
    session.limitGreeting(this.#limits.handshakeMs);
    this.#greeting.add(session);
    if (this.#greeting.size > greetingsMax || this.#isClosing) session.fail(ErrorCode.Exhausted);
    return session;
  }

  acceptLane(lane: BulkLane): LaneSink {
    assert(this.#takeLane !== undefined, 'a port that listens has been given who takes lanes');
    return this.#takeLane(lane);
  }

  closed(): void {
    this.#listener = undefined;
    this.#checkClosed();
  }

  sessionUp(): void {
    // The dialling side speaks first.
  }

  sessionGreeted(session: Session, greeting: Greeting): void {
    const inner = this.#inner?.service === greeting.service ? this.#inner : undefined;
    const service = inner ?? this.#byService.get(greeting.service);
    if (service === undefined) {
      session.refuse(ErrorCode.Refused);
      return;
    }
    const peer = this.#services.describePeer(session.identity, greeting);
    if (inner === undefined && !this.#services.mayConnect(peer, greeting.service)) {
      session.refuse(ErrorCode.AccessDenied);
      return;
    }
    session.isBulk = inner !== undefined;
    service.greeted(session, greeting, peer);
  }

  /** The session has an owner of its own from now on. */
  release(session: Session): void {
    this.#greeting.delete(session);
  }

  sessionReady(session: Session): void {
    session.fail(ErrorCode.Corrupt);
  }

  sessionAccepted(session: Session): void {
    session.fail(ErrorCode.Corrupt);
  }

  sessionConfirmed(session: Session): void {
    session.fail(ErrorCode.Corrupt);
  }

  sessionSummoned(session: Session): void {
    session.fail(ErrorCode.Corrupt);
  }

  sessionEnded(): void {
    // Nobody has been told of it.
  }

  sessionClosed(session: Session): void {
    this.#greeting.delete(session);
    this.#checkClosed();
  }

  /** The port is shared; the address that a service is told is its own. */
  #tellBound(service: PortService, { scheme, authority }: Address): void {
    service.listening(makeAddress(scheme, authority, service.service));
  }

  #listen(): void {
    if (this.#isClosing) return;
    if (this.#listener !== undefined) {
      // The one that failed has not closed yet.
      this.#services.wheel.arm(this.#retryTimer, this.#limits.dialMinMs);
      return;
    }
    this.#listener = this.#transport.listen(this.#address, this);
  }

  async #closeInner(): Promise<void> {
    await this.#inner?.close();
    this.#inner = undefined;
    this.#checkClosed();
  }

  #checkClosed(): void {
    if (!this.#isClosing || this.#inner !== undefined) return;
    if (this.#listener !== undefined || this.#greeting.size > 0) return;
    this.#resolveClosed();
  }
}
