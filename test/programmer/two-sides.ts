/** TwoSides: two domains of this process, one listening; assertions that would crash are noted. */
import assert from 'node:assert/strict';
import {
  createDomain,
  IdcAssertionError,
  type AssertionCode,
  type Domain,
  type Endpoint,
  type EndpointHandlers,
  type EndpointOptions,
  type Listener,
  type OfferHandler,
} from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { tcp } from 'idc/tcp';

import { createRuntime, type Runtime } from '../../core/runtime.js';
import { Gate } from '../compliance/endpoint/gate.js';

export const media = ['memory', 'tcp'] as const;
export type Medium = (typeof media)[number];

export class TwoSides {
  readonly near: Domain;
  readonly far: Domain;
  readonly listener: Listener;
  readonly #crashes: Error[] = [];
  readonly #accusation = new Gate();

  constructor(medium: Medium, offer: OfferHandler) {
    const crash = (error: Error): void => {
      this.#crashes.push(error);
      this.#accusation.open();
    };
    const runtime: Runtime = { ...createRuntime(), crash };
    const network = createMemoryNetwork();
    const transports = [memory({ network }), tcp()];
    this.near = createDomain({ name: 'near', transports, runtime, wait: 'park' });
    this.far = createDomain({ name: 'far', transports, runtime, wait: 'park' });
    const authority = medium === 'tcp' ? '127.0.0.1:0' : 'far';
    this.listener = this.far.listen(`${medium}://${authority}/service`, offer);
  }

  /** Answers an endpoint of `near` once it is connected. */
  async dial(handlers: EndpointHandlers = {}, options: EndpointOptions = {}): Promise<Endpoint> {
    const connected = new Gate();
    const own: EndpointHandlers = {
      ...handlers,
      connect: (self) => {
        connected.open();
        return handlers.connect?.(self);
      },
    };
    const endpoint = this.near.createEndpoint(await this.listener.ready, own, options);
    await connected.opened;
    return endpoint;
  }

  /** Settles once somebody was accused: what would wait for ever can end then, without a limit. */
  get accused(): Promise<void> {
    return this.#accusation.opened;
  }

  /** Closes both sides, and checks that nobody was accused of anything else. */
  async end(...accusations: readonly AssertionCode[]): Promise<void> {
    await Promise.all([this.near.close(), this.far.close()]);
    const codes = this.#crashes.map((error) => error instanceof IdcAssertionError && error.code);
    assert.deepEqual(codes, accusations);
  }
}
