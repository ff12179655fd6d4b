/**
 * MemoryTransport: one domain's access to a memory network. It only puts the parts together.
 */
import type { Address } from '../../core/address.js';
import { assert } from '../../core/assert.js';
import type {
  Accept,
  Lane,
  Link,
  LinkSink,
  Transport,
  TransportCapabilities,
  TransportHost,
  TransportListener,
} from '../../core/transport.js';
import { MemoryLink, type LinkSetting } from './memory-link.js';
import { MemoryListener } from './memory-listener.js';
import type { MemoryNetwork } from './memory-network.js';
import { ReadyQueue } from './ready-queue.js';

/** Checked limits of one transport. */
export interface MemoryLimits {
  readonly frameBytesMax: number;
  readonly ringBytes: number;
}

export class MemoryTransport implements Transport {
  readonly scheme = 'memory';
  readonly capabilities: TransportCapabilities;
  readonly #network: MemoryNetwork;
  readonly #ready: ReadyQueue;
  readonly #setting: LinkSetting;

  constructor(network: MemoryNetwork, limits: MemoryLimits, host: TransportHost) {
    const { frameBytesMax, ringBytes } = limits;
    this.capabilities = Object.freeze({
      frameBytesMax,
      crossProcess: false,
      poll: 'full',
      bulk: 'inline',
    });
    this.#network = network;
    this.#ready = new ReadyQueue(host);
    this.#setting = { runtime: host.runtime, ready: this.#ready, frameBytesMax, ringBytes };
  }

  open(address: Address, sink: LinkSink, lane: Lane): Link {
    assert(address.scheme === this.scheme, 'the address is a memory address', 'BAD_ARGUMENT');
    assert(lane === 'message', 'memory has no bulk lane', 'BAD_ARGUMENT');
    const link = new MemoryLink(this.#setting, address.authority, (closed) => {
      this.#network.forget(closed);
    });
    link.attach(sink);
    this.#network.dial(link);
    return link;
  }

  listen(address: Address, accept: Accept): TransportListener {
    assert(address.scheme === this.scheme, 'the address is a memory address', 'BAD_ARGUMENT');
    const listener = new MemoryListener(this.#setting, address, accept, (closing) => {
      this.#network.unbind(closing);
    });
    listener.start(this.#network.bind(listener));
    return listener;
  }

  // HOT:
  poll(limit: number): number {
    return this.#ready.poll(limit);
  }

  /** Whoever is ready has woken the domain. */
  park(): boolean {
    return true;
  }
}
