/**
 * The fault injector wraps any transport and is one: the domain above it cannot tell. It obeys the
 * laws of the contract: frames come late, links stand still or break, claims and dials are refused.
 *
 * What arrives is copied and waits here for its time. How much that may be is not bounded by the
 * medium's own flow control, but by what a peer sends during one clog.
 */
import type {
  Accept,
  Address,
  Lane,
  Link,
  LinkSink,
  Transport,
  TransportCapabilities,
  TransportFactory,
  TransportHost,
  TransportListener,
} from '../../core/contract.js';
import { InjectedLink } from './injected-link.js';
import type { Random } from './prng.js';
import { ReadyList } from './ready-list.js';

/** Probabilities are for each frame, claim or dial. */
export interface InjectedFaults {
  readonly delayMs: readonly [least: number, most: number];
  /** Standing still for up to `clogMs`. */
  readonly clogs: number;
  readonly clogMs: number;
  readonly severs: number;
  /** Never on an idle link. */
  readonly refusedClaims: number;
  readonly refusedDials: number;
}

const noFaults: InjectedFaults = {
  delayMs: [0, 0],
  clogs: 0,
  clogMs: 0,
  severs: 0,
  refusedClaims: 0,
  refusedDials: 0,
};

/** What the links of one transport have in common. */
export interface InjectorSetting {
  readonly faults: InjectedFaults;
  readonly random: Random;
  readonly host: TransportHost;
  readonly ready: ReadyList;
  readonly frameBytesMax: number;
}

/** What `inner` makes, with faults: `transports: [injectFaults(tcp(), random, { … })]`. */
export function injectFaults(
  inner: TransportFactory,
  random: Random,
  faults: Partial<InjectedFaults>,
): TransportFactory {
  const all: InjectedFaults = { ...noFaults, ...faults };
  return {
    scheme: inner.scheme,
    create: (host) => new FaultInjector(inner.create(host), random, all, host),
  };
}

class FaultInjector implements Transport {
  readonly scheme: string;
  readonly capabilities: TransportCapabilities;
  readonly #inner: Transport;
  readonly #setting: InjectorSetting;

  constructor(inner: Transport, random: Random, faults: InjectedFaults, host: TransportHost) {
    this.scheme = inner.scheme;
    this.capabilities = Object.freeze({ ...inner.capabilities, poll: 'flush' });
    this.#inner = inner;
    const { frameBytesMax } = inner.capabilities;
    this.#setting = { faults, random, host, ready: new ReadyList(host), frameBytesMax };
  }

  open(address: Address, sink: LinkSink, lane: Lane): Link {
    const link = new InjectedLink(this.#setting);
    const { random, faults } = this.#setting;
    if (random.chance(faults.refusedDials)) link.refuse();
    else link.attachInner(this.#inner.open(address, link, lane));
    link.attachSink(sink);
    return link;
  }

  listen(address: Address, accept: Accept): TransportListener {
    return this.#inner.listen(address, {
      listening: (bound) => {
        accept.listening(bound);
      },
      failed: (fault) => {
        accept.failed(fault);
      },
      accept: (inner) => {
        const link = new InjectedLink(this.#setting);
        link.attachInner(inner);
        link.attachSink(accept.accept(link));
        return link;
      },
      closed: () => {
        accept.closed();
      },
    });
  }

  poll(limit: number): number {
    return this.#inner.poll(limit) + this.#setting.ready.poll(limit);
  }

  park(): boolean {
    return this.#inner.park();
  }
}
