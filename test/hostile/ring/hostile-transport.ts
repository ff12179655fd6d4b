/** A ring transport whose links do mischief to the frames that the core commits. */
import {
  type Accept,
  type Address,
  type Lane,
  type Link,
  type LinkSink,
  type Transport,
  type TransportCapabilities,
  type TransportFactory,
  type TransportListener,
} from '../../../core/contract.js';
import type { Mischief } from './mischief.js';

export function hostileRing(factory: TransportFactory, mischief: Mischief): TransportFactory {
  const { scheme } = factory;
  return { scheme, create: (host) => new HostileTransport(factory.create(host), mischief) };
}

class HostileTransport implements Transport {
  readonly scheme: string;
  readonly capabilities: TransportCapabilities;
  readonly #inner: Transport;
  readonly #mischief: Mischief;

  constructor(inner: Transport, mischief: Mischief) {
    this.scheme = inner.scheme;
    this.capabilities = inner.capabilities;
    this.#inner = inner;
    this.#mischief = mischief;
  }

  open(address: Address, sink: LinkSink, lane: Lane): Link {
    return new HostileLink(this.#inner.open(address, sink, lane), this.#mischief);
  }

  listen(address: Address, accept: Accept): TransportListener {
    const mischief = this.#mischief;
    return this.#inner.listen(address, {
      listening: (real) => {
        accept.listening(real);
      },
      failed: (fault) => {
        accept.failed(fault);
      },
      accept: (link) => accept.accept(new HostileLink(link, mischief)),
      closed: () => {
        accept.closed();
      },
    });
  }

  poll(limit: number): number {
    const events = this.#inner.poll(limit);
    this.#mischief.published();
    return events;
  }

  park(): boolean {
    const isParked = this.#inner.park();
    this.#mischief.published();
    return isParked;
  }
}

class HostileLink implements Link {
  readonly claimBytes: Uint8Array;
  readonly #inner: Link;
  readonly #mischief: Mischief;
  #offset = 0;
  #byteLength = 0;

  constructor(inner: Link, mischief: Mischief) {
    this.#inner = inner;
    this.#mischief = mischief;
    this.claimBytes = inner.claimBytes;
  }

  claim(byteLength: number): number {
    this.#offset = this.#inner.claim(byteLength);
    this.#byteLength = byteLength;
    return this.#offset;
  }

  commit(): void {
    this.#mischief.claimed(this.claimBytes, this.#offset, this.#byteLength);
    this.#inner.commit();
  }

  abort(): void {
    this.#inner.abort();
  }

  close(): void {
    this.#inner.close();
  }
}
