/**
 * ListenerCore: offers one service at a port, and keeps a local endpoint for every remote one.
 *
 * It cannot fail: it keeps trying to listen until it is closed. An endpoint that its peer left is
 * kept for `forgetMs`, in case the peer returns; after a goodbye for good it goes at once.
 */
import type {
  DestroyOptions,
  EndpointHandlers,
  ListenerEvent,
  Offer,
  OfferHandler,
  OfferRefusal,
  Peer,
  TimeLimits,
} from './api.js';
import type { Address } from './address.js';
import { Client } from './client.js';
import { reportHandlerThrew } from './client-call.js';
import { DestroyPromise } from './destroy-promise.js';
import type { DomainServices } from './domain-services.js';
import { EndpointCore } from './endpoint-core.js';
import type { EndpointRole, EndpointSettings } from './endpoint-role.js';
import { Endpoint } from './endpoint.js';
import { ErrorCode, IdcError } from './errors.js';
import { tokenBytes, toHex, type Greeting } from './greeting.js';
import { drainMsOf } from './limits.js';
import { createListenerStream, type Observable, type Stream } from './observables.js';
import { PeerTable, type PeerEntry } from './peer-table.js';
import type { PortService } from './port.js';
import type { Quota } from './quota.js';
import type { Session } from './session.js';
import { WheelTimer } from './timer-wheel.js';
import { Fault } from './transport.js';

export interface ListenerSettings {
  readonly address: string;
  readonly service: string;
  readonly scheme: string;
  readonly frameBytesMax: number;
  readonly quota: Quota;
  readonly limits: TimeLimits;
  readonly peersMax: number;
  readonly forgetMs: number;
}

/** What a listener needs of the port that it listens at. */
export interface ListenerPort {
  /** The session has an owner of its own from now on. */
  release(session: Session): void;
  /** The listener offers nothing any more. */
  remove(service: PortService): void;
  /** Resolves once everything is released, or at once while other services are left. */
  closedIfEmpty(): Promise<void>;
}

export class ListenerCore implements PortService {
  readonly #services: DomainServices;
  readonly #settings: ListenerSettings;
  readonly #offer: OfferHandler;
  readonly #onClosed: () => void;
  readonly #stream: Stream<ListenerEvent> = createListenerStream();
  readonly #peers = new PeerTable();
  /** Every endpoint that is not destroyed, those that lost their place in the table included. */
  readonly #endpoints = new Map<EndpointCore, Endpoint>();
  #port: ListenerPort | undefined = undefined;
  #address: string;
  #closing: DestroyPromise | undefined = undefined;
  #settleReady: (outcome: string | IdcError) => void = () => undefined;

  /** Resolves with the real address, or rejects with the first cause; trying goes on. */
  readonly ready: Promise<string>;

  constructor(
    services: DomainServices,
    settings: ListenerSettings,
    offer: OfferHandler,
    onClosed: () => void,
  ) {
    this.#services = services;
    this.#settings = settings;
    this.#offer = offer;
    this.#onClosed = onClosed;
    this.#address = settings.address;
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = (outcome) => {
        if (typeof outcome === 'string') resolve(outcome);
        else reject(outcome);
      };
    });
    // Whoever does not look at `ready` watches `lifecycle$` instead.
    this.ready.catch(() => undefined);
  }

  /** As asked for; once bound, with the real port or name. */
  get address(): string {
    return this.#address;
  }

  get endpoints(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  get lifecycle$(): Observable<ListenerEvent> {
    return this.#stream.observable;
  }

  /** Destroys its endpoints, as `Endpoint.destroy` does, and resolves when nothing is left. */
  close(options: DestroyOptions = {}): DestroyPromise {
    const drainMs = drainMsOf(options, this.#settings.limits);
    this.#closing ??= DestroyPromise.make(
      (resolve) => {
        void this.#close(drainMs).then(resolve);
      },
      () => {
        this.checkNotAwaited();
      },
    );
    return this.#closing;
  }

  /** Somebody waits for all to be closed: no `disconnect` handler of its endpoints must. */
  checkNotAwaited(): void {
    for (const core of this.#endpoints.keys()) core.checkNotAwaited();
  }

  get service(): string {
    return this.#settings.service;
  }

  /** It will never listen, and why. */
  giveUp(error: IdcError): void {
    this.#settleReady(error);
  }

  attach(port: ListenerPort): void {
    this.#port = port;
  }

  listening(address: Address): void {
    this.#address = address.href;
    this.#settleReady(address.href);
    this.#stream.emit({ type: 'listening', address: address.href });
  }

  failed(fault: Fault, nextInMs: number): void {
    const reason = `cannot listen at ${this.#settings.address}: ${fault}`;
    this.#settleReady(new IdcError(codeOf(fault), 'never', { reason }));
    this.#stream.emit({ type: 'attempt', fault, nextInMs });
  }

  greeted(session: Session, greeting: Greeting, peer: Peer): void {
    const known = this.#peers.find(peer, greeting.token);
    if (known?.isLeaving === true) {
      known.successor = () => {
        if (session.phase === 'greeting') this.greeted(session, greeting, peer);
      };
      return;
    }
    if (known !== undefined) {
      this.#adopt(known, session, greeting, peer);
      return;
    }
    if (this.#closing !== undefined) {
      session.refuse(ErrorCode.Refused);
      return;
    }
    if (!this.#hasRoom()) {
      session.refuse(ErrorCode.Exhausted);
      return;
    }
    const answer = this.#ask(greeting, peer);
    if (answer === undefined || 'refused' in answer) {
      session.refuse(answer?.refused ?? ErrorCode.Refused);
      return;
    }
    // The handler may have closed this listener, and the session with it.
    if (session.phase !== 'greeting') return;
    this.#makeRoom();
    this.#adopt(this.#create(answer, peer), session, greeting, peer);
  }

  #adopt(entry: PeerEntry, session: Session, greeting: Greeting, peer: Peer): void {
    this.#port?.release(session);
    const { quota } = this.#settings;
    const welcome = this.#services.greet(quota, peer.endpointName, this.service, entry.token);
    entry.core.adopt(session, greeting, peer, welcome);
  }

  #hasRoom(): boolean {
    return this.#peers.size < this.#settings.peersMax || this.#peers.oldestAbsent() !== undefined;
  }

  /** The oldest absent endpoint gives way to a newcomer, once that one was taken. */
  #makeRoom(): void {
    if (this.#peers.size < this.#settings.peersMax) return;
    const oldest = this.#peers.oldestAbsent();
    if (oldest !== undefined) this.#forget(oldest);
  }

  #ask(greeting: Greeting, peer: Peer): EndpointHandlers | OfferRefusal | undefined {
    const offer: Offer = {
      peer,
      service: greeting.service,
      quota: greeting.quota,
      refuse: (refused = 'REFUSED') => ({ refused }),
    };
    try {
      return this.#offer(offer);
    } catch (thrown) {
      reportHandlerThrew(this.#services.runtime, 'offer handler', thrown);
      return undefined;
    }
  }

  #create(handlers: EndpointHandlers, peer: Peer): PeerEntry {
    const { service, scheme, frameBytesMax, quota, limits } = this.#settings;
    const name = peer.endpointName;
    const settings: EndpointSettings = { name, service, scheme, frameBytesMax, quota, limits };
    const client = new Client(this.#services.runtime, handlers);
    const core = new EndpointCore(this.#services, settings, client);
    const endpoint = new Endpoint(core);
    client.endpoint = endpoint;
    const token = new Uint8Array(tokenBytes);
    this.#services.runtime.prng.fill(token);
    const forgetTimer = new WheelTimer(() => {
      this.#forget(entry);
    });
    const entry: PeerEntry = {
      core,
      peer,
      token: toHex(token),
      forgetTimer,
      successor: undefined,
      isLeaving: false,
    };
    core.role = this.#roleOf(entry);
    this.#endpoints.set(core, endpoint);
    this.#peers.add(entry);
    this.#stream.emit({ type: 'endpoint', endpoint });
    return entry;
  }

  #roleOf(entry: PeerEntry): EndpointRole {
    const { wheel } = this.#services;
    return {
      retry: () => undefined,
      connected: () => undefined,
      becameAbsent: (isFinal) => {
        this.#peers.becameAbsent(entry);
        if (isFinal) this.#forget(entry);
        else if (this.#endpoints.has(entry.core)) {
          wheel.arm(entry.forgetTimer, this.#settings.forgetMs);
        }
      },
      becamePresent: () => {
        wheel.disarm(entry.forgetTimer);
      },
      leaving: () => {
        entry.isLeaving = true;
      },
      ended: () => {
        wheel.disarm(entry.forgetTimer);
        this.#peers.remove(entry);
        this.#endpoints.delete(entry.core);
        this.#services.forget(entry.core);
        entry.successor?.();
      },
    };
  }

  /** Nobody can re-attach to it from now on. */
  #forget(entry: PeerEntry): void {
    this.#peers.remove(entry);
    void entry.core.destroy(this.#settings.limits.drainMs);
  }

  async #close(drainMs: number): Promise<void> {
    this.#port?.remove(this);
    const endpoints = [...this.#endpoints.keys()];
    await Promise.all(endpoints.map((core) => core.destroy(drainMs).quietly()));
    await this.#port?.closedIfEmpty();
    this.#settleReady(new IdcError(ErrorCode.Destroyed, 'never'));
    this.#onClosed();
    this.#stream.emit({ type: 'closed' });
    this.#stream.complete();
  }
}

function codeOf(fault: Fault): ErrorCode {
  switch (fault) {
    case Fault.AddressInUse:
      return ErrorCode.AddressInUse;
    case Fault.AccessDenied:
      return ErrorCode.AccessDenied;
    case Fault.Unsupported:
      return ErrorCode.Unsupported;
    case Fault.Exhausted:
      return ErrorCode.Exhausted;
    case Fault.Closed:
    case Fault.Reset:
    case Fault.Corrupt:
    case Fault.Refused:
    case Fault.Unreachable:
    case Fault.NotFound:
    case Fault.TimedOut:
      return ErrorCode.Unreachable;
  }
}
