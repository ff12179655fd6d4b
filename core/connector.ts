/**
 * Connector: makes dialling ends. It joins an endpoint's core with its dialler, which says when it
 * tries again, and with its place at the gate, which says when it may.
 */
import type { Address } from './address.js';
import { Client } from './client.js';
import { DialGate, Knocker } from './dial-gate.js';
import { Dialler } from './dialler.js';
import type { EndpointHandlers, TimeLimits } from './api.js';
import type { DomainServices } from './domain-services.js';
import { EndpointCore } from './endpoint-core.js';
import type { EndpointRole } from './endpoint-role.js';
import { Endpoint } from './endpoint.js';
import { IdcError } from './errors.js';
import type { Quota } from './quota.js';
import { Session } from './session.js';
import type { Transport } from './transport.js';

/** Frame size that an endpoint without a transport is made for; it never sends one. */
const frameBytesWithoutTransport = 65_536;

/** Where an address leads. */
export interface Place {
  readonly transport: Transport;
  readonly address: Address;
}

export interface DialSettings {
  readonly name: string;
  readonly quota: Quota;
  readonly limits: TimeLimits;
  /** Of a channel for transfers. */
  readonly isBulk?: boolean;
}

export interface Dialled {
  readonly core: EndpointCore;
  readonly endpoint: Endpoint;
}

export class Connector {
  readonly #services: DomainServices;
  readonly #gate = new DialGate();
  readonly #placeOf = new WeakMap<EndpointCore, Place>();

  constructor(services: DomainServices) {
    this.#services = services;
  }

  /** Where a core that was made here dials; undefined for another, or one that leads nowhere. */
  placeOf(core: EndpointCore): Place | undefined {
    return this.#placeOf.get(core);
  }

  /** An endpoint that keeps dialling `place` until it is destroyed; an error it reports as such. */
  create(place: Place | IdcError, settings: DialSettings, handlers: EndpointHandlers): Dialled {
    const isPlace = !(place instanceof IdcError);
    const client = new Client(this.#services.runtime, handlers);
    const core = new EndpointCore(
      this.#services,
      {
        ...settings,
        service: isPlace ? place.address.service : '',
        scheme: isPlace ? place.address.scheme : '',
        frameBytesMax: isPlace
          ? place.transport.capabilities.frameBytesMax
          : frameBytesWithoutTransport,
      },
      client,
    );
    const endpoint = new Endpoint(core);
    client.endpoint = endpoint;
    if (isPlace) this.#placeOf.set(core, place);
    this.#start(core, place, settings);
    return { core, endpoint };
  }

  #start(core: EndpointCore, place: Place | IdcError, settings: DialSettings): void {
    const { limits, isBulk = false } = settings;
    const isPlace = !(place instanceof IdcError);
    const door = isPlace ? `${place.address.scheme} ${place.address.authority}` : '';
    const knocker = new Knocker(this.#gate, door, () => {
      if (isPlace && core.wantsLink) this.#dial(core, place, isBulk);
      else knocker.leave();
    });
    const { runtime, wheel } = this.#services;
    const dialler = new Dialler(runtime, wheel, limits, () => {
      if (isPlace) knocker.knock();
      else core.reject(place.code);
    });
    core.role = this.#makeRole(core, dialler, knocker);
    dialler.start();
  }

  #makeRole(core: EndpointCore, dialler: Dialler, knocker: Knocker): EndpointRole {
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

  #dial(core: EndpointCore, { transport, address }: Place, isBulk: boolean): void {
    const { frameBytesMax } = transport.capabilities;
    const session = new Session('dial', core, this.#services.wheel, frameBytesMax);
    session.isBulk = isBulk;
    core.dialled(session);
    session.attach(transport.open(address, session, 'message'));
  }
}
