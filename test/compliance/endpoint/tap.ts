/**
 * Tap: stands between the domains of a scenario and their transport, on the public contract only.
 *
 * It can lead a domain's new dials to where nobody listens, so that a link stays lost for as long
 * as a scenario wants, and it counts frames. It changes nothing else.
 */
import type { Address, Link, Transport, TransportFactory } from '../../../core/contract.js';

/** One end of a link. */
export interface TappedLink {
  /** Frames that this end committed. */
  frameCount: number;
}

export class Tap {
  /** The dialling ends of all links, in order. */
  readonly dialled: TappedLink[] = [];
  /** Largest frame of the medium. */
  frameBytesMax = 0;
  readonly #factory: TransportFactory;
  readonly #nowhere: Address;
  readonly #cut = new Set<string>();

  constructor(factory: TransportFactory, nowhere: Address) {
    this.#factory = factory;
    this.#nowhere = nowhere;
  }

  /** From now on, what the domain of that name dials leads nowhere. */
  cut(domainName: string): void {
    this.#cut.add(domainName);
  }

  mend(domainName: string): void {
    this.#cut.delete(domainName);
  }

  factoryFor(domainName: string): TransportFactory {
    const { scheme } = this.#factory;
    return {
      scheme,
      create: (host) => this.#wrap(domainName, this.#factory.create(host)),
    };
  }

  #wrap(domainName: string, inner: Transport): Transport {
    this.frameBytesMax = inner.capabilities.frameBytesMax;
    return {
      scheme: inner.scheme,
      capabilities: inner.capabilities,
      open: (address, sink, lane) => {
        const place = this.#cut.has(domainName) ? this.#nowhere : address;
        const tapped: TappedLink = { frameCount: 0 };
        this.dialled.push(tapped);
        return watch(inner.open(place, sink, lane), tapped);
      },
      listen: (address, accept) => inner.listen(address, accept),
      poll: (limit) => inner.poll(limit),
      park: () => inner.park(),
    };
  }
}

function watch(link: Link, tapped: TappedLink): Link {
  return {
    claimBytes: link.claimBytes,
    claim: (byteLength) => link.claim(byteLength),
    commit: () => {
      tapped.frameCount++;
      link.commit();
    },
    abort: () => {
      link.abort();
    },
    close: () => {
      link.close();
    },
  };
}
