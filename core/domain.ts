/**
 * Domain: this side's identity, its transports, and the endpoints and listeners made on them.
 *
 * Everything that a domain holds belongs to the object: two domains of one process share nothing
 * but what their transports were given.
 */
import { parseAddress, type Address } from './address.js';
import type {
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
import { Client } from './client.js';
import { reportHandlerThrew } from './client-call.js';
import { DestroyPromise } from './destroy-promise.js';
import { DialGate, Knocker } from './dial-gate.js';
import { Dialler } from './dialler.js';
import type { DomainServices } from './domain-services.js';
import { EndpointCore, type EndpointRole, type EndpointSettings } from './endpoint-core.js';
import { Endpoint } from './endpoint.js';
import { ErrorCode, IdcError } from './errors.js';
import { nameBytesMax, toHex } from './greeting.js';
import { KeepAlive } from './keep-alive.js';
import { checkMs, drainMsOf, makeLimits } from './limits.js';
import { ListenerCore } from './listener-core.js';
import { Listener } from './listener.js';
import { Port } from './port.js';
import { makeQuota } from './quota.js';
import { createRuntime, type Runtime } from './runtime.js';
import { Session } from './session.js';
import { TimerWheel } from './timer-wheel.js';
import type { Transport } from './transport.js';
import { TurnLoop } from './turn-loop.js';

/** Frame size that an endpoint without a transport is made for; it never sends one. */
const frameBytesWithoutTransport = 65_536;
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
  readonly #dialGate = new DialGate();
  readonly #ports = new Set<{ readonly scheme: string; readonly port: Port }>();
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
    const place = this.#resolve(address);
    const settings: EndpointSettings = {
      name,
      service: place instanceof IdcError ? '' : place.address.service,
      scheme: place instanceof IdcError ? '' : place.address.scheme,
      frameBytesMax:
        place instanceof IdcError
          ? frameBytesWithoutTransport
          : place.transport.capabilities.frameBytesMax,
      quota: makeQuota(this.#options.quota, options.quota),
      limits: makeLimits(this.#options.limits, options.limits),
    };
    const client = new Client(this.#runtime, handlers);
    const core = new EndpointCore(this.#services, settings, client);
    const endpoint = new Endpoint(core);
    client.endpoint = endpoint;
    this.#endpoints.set(core, endpoint);
    const authority =
      place instanceof IdcError ? '' : `${place.address.scheme} ${place.address.authority}`;
    const knocker = new Knocker(this.#dialGate, authority, () => {
      if (place instanceof IdcError || !core.wantsLink) knocker.leave();
      else this.#dial(core, place.transport, place.address);
    });
    const dialler = new Dialler(this.#runtime, this.#wheel, settings.limits, () => {
      if (place instanceof IdcError) core.reject(place.code);
      else knocker.knock();
    });
    core.role = this.#dialRole(core, dialler, knocker);
    dialler.start();
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
    const { authorise } = this.#options;
    return {
      runtime: this.#runtime,
      wheel: this.#wheel,
      keepAlive: new KeepAlive(this.#runtime, this.#wheel),
      endTurnSoon: (session) => {
        this.#turns.endTurnSoon(session);
      },
      defer: (task) => {
        this.#turns.defer(task);
      },
      greet: (quota, endpointName, service, token) => ({
        features: 0,
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
      mayConnect: (peer, service) => {
        try {
          return authorise?.(peer, service, 'connect') ?? true;
        } catch (thrown) {
          reportHandlerThrew(this.#runtime, 'authorise handler', thrown);
          return false;
        }
      },
      forget: (core) => {
        this.#endpoints.delete(core);
      },
    };
  }

  #dialRole(core: EndpointCore, dialler: Dialler, knocker: Knocker): EndpointRole {
    return {
      retry: (isSlow) => {
        knocker.leave();
        return dialler.retry(isSlow);
      },
      connected: () => {
        dialler.connected();
      },
      becameAbsent: () => undefined,
      becamePresent: () => {
        knocker.leave();
      },
      leaving: () => {
        dialler.stop();
      },
      ended: () => {
        dialler.stop();
        knocker.leave();
        this.#services.forget(core);
      },
    };
  }

  #dial(core: EndpointCore, transport: Transport, address: Address): void {
    const session = new Session('dial', core, this.#wheel, transport.capabilities.frameBytesMax);
    core.dialled(session);
    session.attach(transport.open(address, session, 'message'));
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
    listener.attach(port);
    port.add(listener);
  }

  #resolve(text: string): { transport: Transport; address: Address } | IdcError {
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
    const cores = [...this.#endpoints.keys()];
    await Promise.all([
      ...listeners.map((listener) => listener.close({ drainMs }).quietly()),
      ...cores.map((core) => core.destroy(drainMs).quietly()),
    ]);
    this.#turns.stop();
  }
}

function assertName(what: string, name: string): void {
  const byteLength = new TextEncoder().encode(name).length;
  assert(byteLength <= nameBytesMax, `${what} has at most ${nameBytesMax} bytes`, 'BAD_ARGUMENT');
}
