/**
 * SimulatedTransport: one domain's access to a simulated network. The address is
 * `simulated://NAME/service`, where NAME is what a listener is bound to.
 */
import {
  assert,
  type Accept,
  type Address,
  type Lane,
  type Link,
  type LinkSink,
  type Transport,
  type TransportCapabilities,
  type TransportFactory,
  type TransportHost,
  type TransportListener,
} from '../../core/contract.js';
import { ReadyList } from './ready-list.js';
import { SimulatedLink } from './simulated-link.js';
import { SimulatedListener } from './simulated-listener.js';
import type { LinkSetting, SimulatedNetwork } from './simulated-network.js';

export interface SimulatedOptions {
  readonly network: SimulatedNetwork;
  /** Where the domain is, so that what happens to a host or to a path happens to it. */
  readonly host: string;
  /** Largest frame that it sends, at least 1,024. Default 4,096. */
  readonly frameBytesMax?: number;
  /** Bytes that a link holds in the direction away from it, or one frame. Default 64 KiB. */
  readonly windowBytes?: number;
}

/** Domains of a simulation: `createDomain({ transports: [simulated({ network, host })] })`. */
export function simulated(options: SimulatedOptions): TransportFactory {
  return { scheme: 'simulated', create: (host) => new SimulatedTransport(options, host) };
}

class SimulatedTransport implements Transport {
  readonly scheme = 'simulated';
  readonly capabilities: TransportCapabilities;
  readonly #options: SimulatedOptions;
  readonly #host: TransportHost;
  readonly #ready: ReadyList;

  constructor(options: SimulatedOptions, host: TransportHost) {
    const { frameBytesMax = 4_096 } = options;
    assert(frameBytesMax >= 1_024, 'frameBytesMax is at least 1024', 'BAD_ARGUMENT');
    this.capabilities = Object.freeze({
      frameBytesMax,
      crossProcess: false,
      poll: 'flush',
      bulk: 'inline',
    });
    this.#options = options;
    this.#host = host;
    this.#ready = new ReadyList(host);
  }

  open(address: Address, sink: LinkSink, lane: Lane): Link {
    assert(address.scheme === this.scheme, 'the address is a simulated one', 'BAD_ARGUMENT');
    assert(lane === 'message', 'a simulated network has no bulk lane', 'BAD_ARGUMENT');
    const link = new SimulatedLink(this.#drawSetting(), address.authority);
    link.attach(sink);
    this.#options.network.add(link);
    this.#options.network.dial(link);
    return link;
  }

  listen(address: Address, accept: Accept): TransportListener {
    assert(address.scheme === this.scheme, 'the address is a simulated one', 'BAD_ARGUMENT');
    const drawSetting = (): LinkSetting => this.#drawSetting();
    const listener = new SimulatedListener(drawSetting(), address, accept, drawSetting);
    listener.start(this.#options.network.bind(listener));
    return listener;
  }

  poll(limit: number): number {
    return this.#ready.poll(limit);
  }

  /** Whoever is ready has woken the domain. */
  park(): boolean {
    return true;
  }

  #drawSetting(): LinkSetting {
    const { network, host, windowBytes = 65_536 } = this.#options;
    const { random } = network;
    const [least, most] = network.weather.delayMs;
    return {
      network,
      host,
      runtime: this.#host.runtime,
      ready: this.#ready,
      random,
      delayMs: least + (most - least) * random.fraction(),
      frameBytesMax: this.capabilities.frameBytesMax,
      windowBytes,
    };
  }
}
