/**
 * Domain: this side's identity, its transports, and the endpoints and listeners made on them.
 *
 * Everything that a domain holds belongs to the object: two domains of one process share nothing
 * but what their transports were given.
 */
import { makeAddress, parseAddress, type Address } from './address.js';
import type {
  Action,
  Bytes,
  DestroyOptions,
  DomainOptions,
  EndpointHandlers,
  EndpointOptions,
  ListenOptions,
  OfferHandler,
  Peer,
  TimeLimits,
} from './api.js';
import { assert } from './assert.js';
import { reportHandlerThrew } from './client-call.js';
import { Connector, type Place } from './connector.js';
import { DestroyPromise } from './destroy-promise.js';
import type { DomainServices } from './domain-services.js';
import type { EndpointCore } from './endpoint-core.js';
import type { Endpoint } from './endpoint.js';
import { ErrorCode, IdcError } from './errors.js';
import { featureTransfers } from './frame.js';
import { nameBytesMax, toHex } from './greeting.js';
import { KeepAlive } from './keep-alive.js';
import { checkMs, drainMsOf, makeLimits } from './limits.js';
import { ListenerCore } from './listener-core.js';
import { Listener } from './listener.js';
import { PeerIndex } from './peer-index.js';
import { Port, type InnerService } from './port.js';
import { makeQuota } from './quota.js';
import { createRuntime, type Runtime } from './runtime.js';
import { TimerWheel } from './timer-wheel.js';
import type { Transport } from './transport.js';
import { TurnLoop } from './turn-loop.js';
import { transferService } from './transfer/channels.js';
import type { RemoteBufferReference } from './transfer/reference.js';
import type { RemoteBufferView } from './transfer/remote-buffer-view.js';
import type {
  RegisteredBuffer,
  RegisterOptions,
  RegistrationInfo,
} from './transfer/registrations.js';
import { RemoteBuffers, type RemoteBufferStatistics } from './transfer/remote-buffers.js';
import type { TransferOptions, TransferSlot } from './transfer/transfers.js';

const peersMaxDefault = 1024;
const forgetMsDefault = 60_000;
const pollLimitDefault = 256;
const adaptiveMsDefault = 0.25;

/** Counters of a domain. A plain copy, taken at the call. */
export interface DomainStatistics {
  readonly endpoints: number;
  readonly listeners: number;
  readonly timersArmed: number;
}

/** Makes this side. Asserts on illegal options; nothing is opened yet. */
export function createDomain(options: DomainOptions): Domain {
  return new Domain(options);
}

export class Domain {
  readonly name: string;
  /** 128 bits as 32 hexadecimal digits. */
  readonly id: string;
  /** 64 random bits of this start as 16 hexadecimal digits. */
  readonly incarnation: string;
  readonly #options: DomainOptions;
  readonly #runtime: Runtime;
  readonly #limits: TimeLimits;
  readonly #wheel: TimerWheel;
  readonly #turns: TurnLoop;
  readonly #services: DomainServices;
  readonly #endpoints = new Map<EndpointCore, Endpoint>();
  readonly #listeners = new Set<ListenerCore>();
  readonly #connector: Connector;
  readonly #ports = new Set<{ readonly scheme: string; readonly port: Port }>();
  readonly #peers = new PeerIndex();
  readonly #buffers: RemoteBuffers;
  /** Endpoints of channels; their users do not see them. */
  readonly #channels = new Map<EndpointCore, Endpoint>();
  #endpointCount = 0;
  #closing: DestroyPromise | undefined = undefined;

  /** @internal Use `createDomain`. */
  constructor(options: DomainOptions) {
    assertName('the domain name', options.name);
    const { id = new Uint8Array(16), runtime = createRuntime() } = options;
    assert(id.length === 16, 'a domain id has 16 bytes', 'BAD_ARGUMENT');
    if (options.id === undefined) runtime.prng.fill(id);
    const incarnation = new Uint8Array(8);
    runtime.prng.fill(incarnation);
    this.name = options.name;
    this.id = toHex(id);
    this.incarnation = toHex(incarnation);
    this.#options = options;
    this.#runtime = {
      clock: runtime.clock,
      scheduler: runtime.scheduler,
      prng: runtime.prng,
      trackCalls: <T>() => runtime.trackCalls<T>(),
      crash: (error) => {
        this.#turns.noteCrash(error);
        runtime.crash(error);
      },
    };
    this.#limits = makeLimits(options.limits);
    makeQuota(options.quota);
    this.#wheel = new TimerWheel(runtime);
    const { transports, wait = 'adaptive', adaptiveMs = adaptiveMsDefault } = options;
    this.#turns = new TurnLoop(
      runtime,
      this.#wheel,
      transports,
      wait,
      checkMs('adaptiveMs', adaptiveMs),
    );
    this.#services = this.#makeServices();
    this.#connector = new Connector(this.#services);
    this.#buffers = this.#makeBuffers();
  }

  /**
   * Makes the dialling end of a connection; it keeps trying until it is destroyed. Cannot fail: an
   * address that does not parse, or names no transport, arrives as an `attempt` event.
   */
  createEndpoint(
    address: string,
    handlers: EndpointHandlers,
    options: EndpointOptions = {},
  ): Endpoint {
    assert(this.#closing === undefined, 'the domain is closed', 'BAD_ARGUMENT');
    const { name = String(this.#endpointCount) } = options;
    assertName('the endpoint name', name);
    this.#endpointCount++;
    const { core, endpoint } = this.#connector.create(
      this.#resolve(address),
      {
        name,
        quota: makeQuota(this.#options.quota, options.quota),
        limits: makeLimits(this.#options.limits, options.limits),
      },
      handlers,
    );
    this.#endpoints.set(core, endpoint);
    this.#turns.start();
    return endpoint;
  }

  /** Offers a service to many. Never throws for an operating error, and keeps trying. */
  listen(address: string, offer: OfferHandler, options: ListenOptions = {}): Listener {
    assert(this.#closing === undefined, 'the domain is closed', 'BAD_ARGUMENT');
    const { peersMax = peersMaxDefault, forgetMs = forgetMsDefault } = options;
    const isCount = Number.isInteger(peersMax) && peersMax >= 1;
    assert(isCount, 'peersMax is a whole number from 1 on', 'BAD_ARGUMENT');
    checkMs('forgetMs', forgetMs);
    assert(forgetMs >= 0, 'forgetMs is a number of milliseconds', 'BAD_ARGUMENT');
    const place = this.#resolve(address);
    const isPlace = !(place instanceof IdcError);
    const settings = {
      address,
      service: isPlace ? place.address.service : '',
      scheme: isPlace ? place.address.scheme : '',
      frameBytesMax: isPlace ? place.transport.capabilities.frameBytesMax : 0,
      quota: makeQuota(this.#options.quota, options.quota),
      limits: makeLimits(this.#options.limits, options.limits),
      peersMax,
      forgetMs,
    };
    const listener: ListenerCore = new ListenerCore(this.#services, settings, offer, () => {
      this.#listeners.delete(listener);
    });
    this.#listeners.add(listener);
    if (isPlace) this.#join(listener, place.transport, place.address, settings.limits);
    else listener.giveUp(place);
    this.#turns.start();
    return new Listener(listener);
  }

  /**
   * Memory that can be registered; all zero. With `shared`, memory that domains of this machine
   * can map (`mode: 'map'`), if a transport of this domain has such; it goes when nothing refers
   * to it any more.
   */
  allocateBuffer(byteLength: number, options: { readonly shared?: boolean } = {}): Uint8Array {
    return this.#buffers.allocate(byteLength, options.shared ?? false);
  }

  /**
   * Lets other domains read or write `local`, by the reference in the answer, until `unregister`
   * has resolved. The bytes stay the caller's; a list is one buffer (scatter/gather).
   */
  registerBuffer(local: Bytes, options: RegisterOptions): RegisteredBuffer {
    assert(this.#closing === undefined, 'the domain is closed', 'BAD_ARGUMENT');
    return this.#buffers.register(local, options);
  }

  /** What is registered, who used it last, how often, and what is in flight. */
  registeredBuffers(): readonly RegistrationInfo[] {
    return this.#buffers.registered();
  }

  /**
   * Writes the local bytes to the remote buffer, from `options.offset` on. Rejects with `IdcError`
   * (`never`: nothing was written; `maybe`: some may be, and a late piece may still land until
   * the owner was told otherwise or its `fenceMs` passed). Either way `local` is free again.
   */
  sendToRemoteBuffer(
    reference: RemoteBufferReference,
    local: Bytes,
    options: TransferOptions = {},
  ): Promise<void> {
    return this.#buffers.send(reference, local, options);
  }

  /** Fills the local bytes from the remote buffer, from `options.offset` on; else as above. */
  receiveFromRemoteBuffer(
    reference: RemoteBufferReference,
    local: Bytes,
    options: TransferOptions = {},
  ): Promise<void> {
    return this.#buffers.receive(reference, local, options);
  }

  /**
   * The place itself, if the owner of the buffer lends its memory and that is mapped here by a
   * transfer before: what is stored into its `bytes` needs no copy. Undefined if it is not, or may
   * not be written: `sendToRemoteBuffer` knows another way, or why there is none.
   */
  viewRemoteBuffer(
    reference: RemoteBufferReference,
    range: { readonly offset: number; readonly byteLength: number },
  ): RemoteBufferView | undefined {
    return this.#buffers.view(reference, range.offset, range.byteLength);
  }

  /** What this domain did with remote buffers, and others with its own. */
  transferStatistics(): RemoteBufferStatistics {
    return this.#buffers.statistics();
  }

  /** Takes a place for one transfer beforehand; throws QUOTA if none is free. */
  acquireTransfer(): TransferSlot {
    return this.#buffers.acquire();
  }

  /**
   * Drives every link and timer once, for a caller that owns its thread; answers the events
   * handled. `limit` bounds the frames taken from each link. Throws the programmer error that ends
   * the process, since a loop that never yields would not see it. Not for use in a handler.
   */
  poll(limit: number = pollLimitDefault): number {
    return this.#turns.poll(limit);
  }

  /** Destroys everything, and resolves when no timer, descriptor or socket of it is left. */
  close(options: DestroyOptions = {}): Promise<void> {
    const drainMs = drainMsOf(options, this.#limits);
    this.#closing ??= DestroyPromise.make(
      (resolve) => {
        void this.#close(drainMs).then(resolve);
      },
      () => {
        for (const core of this.#endpoints.keys()) core.checkNotAwaited();
        for (const listener of this.#listeners) listener.checkNotAwaited();
      },
    );
    return this.#closing;
  }

  statistics(): DomainStatistics {
    return {
      endpoints: this.#endpoints.size,
      listeners: this.#listeners.size,
      timersArmed: this.#wheel.armedCount,
    };
  }

  #makeServices(): DomainServices {
    return {
      runtime: this.#runtime,
      wheel: this.#wheel,
      keepAlive: new KeepAlive(this.#runtime, this.#wheel),
      endTurnSoon: (session) => {
        this.#turns.endTurnSoon(session);
      },
      stampSoon: (slots) => {
        this.#turns.stampSoon(slots);
      },
      defer: (task) => {
        this.#turns.defer(task);
      },
      greet: (quota, endpointName, service, token) => ({
        features: featureTransfers,
        domainId: this.id,
        incarnation: this.incarnation,
        token,
        quota,
        domainName: this.name,
        endpointName,
        service,
      }),
      describePeer: (identity, greeting): Peer => ({
        identity,
        domainId: greeting.domainId,
        domainName: greeting.domainName,
        incarnation: greeting.incarnation,
        endpointName: greeting.endpointName,
      }),
      mayConnect: (peer, service) => this.#mayDo(peer, service, 'connect'),
      mayTransfer: (peer) => this.#mayDo(peer, transferService, 'transfer'),
      epochOpened: (core) => {
        if (core.settings.service !== transferService) this.#peers.add(core);
      },
      epochEnded: (core) => {
        this.#peers.remove(core);
      },
      summoned: (core, nonce) => {
        this.#buffers.summoned(core, nonce);
      },
      learn: (ownerId, from) => {
        this.#buffers.learn(ownerId, from);
      },
      forget: (core) => {
        this.#endpoints.delete(core);
        this.#channels.delete(core);
      },
    };
  }

  #makeBuffers(): RemoteBuffers {
    return new RemoteBuffers({
      id: this.id,
      incarnation: this.incarnation,
      runtime: this.#runtime,
      wheel: this.#wheel,
      connector: this.#connector,
      peers: this.#peers,
      limits: this.#limits,
      transfers: this.#options.transfers,
      transports: () => this.#turns.transports,
      transportFor: (scheme) => this.#turns.transportFor(scheme),
      keep: (core, endpoint) => {
        this.#channels.set(core, endpoint);
        this.#turns.start();
      },
      addresses: () => [...this.#listeners].map(({ address }) => address),
      mayTransfer: (peer) => this.#services.mayTransfer(peer),
    });
  }

  /** Channels for transfers come to every port; they neither keep it open nor count. */
  #makeInner(port: Port, transport: Transport, address: Address): InnerService {
    const settings = {
      address: makeAddress(address.scheme, address.authority, transferService).href,
      service: transferService,
      scheme: address.scheme,
      frameBytesMax: transport.capabilities.frameBytesMax,
      quota: this.#buffers.quotaFor(transport),
      limits: this.#limits,
      peersMax: this.#buffers.limits.peersMax,
      forgetMs: this.#limits.lingerMs,
    };
    const offer: OfferHandler = (offered) => this.#buffers.offered(offered, transport);
    const inner = new ListenerCore(this.#services, settings, offer, () => undefined);
    inner.attach({
      release: (session) => {
        port.release(session);
      },
      remove: () => undefined,
      closedIfEmpty: () => Promise.resolve(),
    });
    return inner;
  }

  #mayDo(peer: Peer, service: string, action: Action): boolean {
    try {
      return this.#options.authorise?.(peer, service, action) ?? true;
    } catch (thrown) {
      reportHandlerThrew(this.#runtime, 'authorise handler', thrown);
      return false;
    }
  }

  /** Services at one authority share a port; `host:0` asks for a new one each time. */
  #join(listener: ListenerCore, transport: Transport, address: Address, limits: TimeLimits): void {
    const { scheme, authority } = address;
    for (const place of this.#ports) {
      if (place.scheme !== scheme || place.port.authority !== authority) continue;
      if (authority.endsWith(':0')) continue;
      if (place.port.add(listener)) listener.attach(place.port);
      else listener.giveUp(new IdcError(ErrorCode.AddressInUse, 'never'));
      return;
    }
    const port = new Port(this.#services, transport, address, limits, () => {
      this.#ports.delete(place);
    });
    const place = { scheme, port };
    this.#ports.add(place);
    port.inner = this.#makeInner(port, transport, address);
    port.takeLane = (lane) => this.#buffers.acceptLane(lane);
    listener.attach(port);
    port.add(listener);
  }

  #resolve(text: string): Place | IdcError {
    try {
      const address = parseAddress(text);
      const transport = this.#turns.transportFor(address.scheme);
      if (transport !== undefined) return { transport, address };
      const reason = `this domain has no transport for ${address.scheme}:`;
      return new IdcError(ErrorCode.BadAddress, 'never', { reason });
    } catch (error) {
      if (error instanceof IdcError) return error;
      throw error;
    }
  }

  async #close(drainMs: number): Promise<void> {
    const listeners = [...this.#listeners];
    // All of it begins in this call.
    const ended = this.#buffers.end();
    const cores = [...this.#endpoints.keys(), ...this.#channels.keys()];
    await Promise.all([
      ...listeners.map((listener) => listener.close({ drainMs }).quietly()),
      ...cores.map((core) => core.destroy(drainMs).quietly()),
      ended,
    ]);
    await this.#buffers.released();
    this.#turns.stop();
  }
}

function assertName(what: string, name: string): void {
  const byteLength = new TextEncoder().encode(name).length;
  assert(byteLength <= nameBytesMax, `${what} has at most ${nameBytesMax} bytes`, 'BAD_ARGUMENT');
}
