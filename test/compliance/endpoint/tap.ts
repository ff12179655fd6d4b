/**
 * Tap: stands between the domains of a scenario and their transport, on the public contract only.
 *
 * It can lead a domain's new dials to where nobody listens, so that a link stays lost for as long
 * as a scenario wants; it can hold what comes to a domain on links that it dialled, as a slow
 * medium does; and it counts frames and bytes. It changes nothing else.
 */
import type {
  Address,
  Link,
  LinkSink,
  Transport,
  TransportFactory,
  TransportHost,
} from '../../../core/contract.js';

/** One link, counted at the end that dialled it. */
export interface TappedLink {
  /** The domain that dialled it. */
  readonly domainName: string;
  /** Where it leads: `host:port`, or what the medium has instead. */
  readonly authority: string;
  /** Frames that this end committed. */
  frameCount: number;
  /** Bytes of frames, both ways. */
  byteCount: number;
  /** The domain wants nothing of it any more. */
  isClosed: boolean;
}

/** What came to one domain and is held, in order. */
class Hold {
  isHolding = false;
  readonly #events: (() => void)[] = [];

  /** Nothing waits, so nothing has to wait behind it. */
  get isIdle(): boolean {
    return !this.isHolding && this.#events.length === 0;
  }

  take(event: () => void): void {
    if (this.isIdle) event();
    else this.#events.push(event);
  }

  /** Tells what is not held any more; answers how much that was. */
  deliver(): number {
    if (this.isHolding) return 0;
    const events = this.#events.splice(0);
    for (const event of events) event();
    return events.length;
  }
}

export class Tap {
  /** The dialling ends of all links, in order. */
  readonly dialled: TappedLink[] = [];
  /** Largest frame of the medium. */
  frameBytesMax = 0;
  /** The medium can lend memory. */
  hasMemory = false;
  readonly #factory: TransportFactory;
  readonly #nowhere: Address;
  readonly #cut = new Set<string>();
  readonly #holds = new Map<string, { readonly hold: Hold; readonly wake: () => void }>();

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

  /** From now on, what comes to the domain of that name on links that it dialled waits. */
  hold(domainName: string): void {
    const held = this.#holds.get(domainName);
    if (held !== undefined) held.hold.isHolding = true;
  }

  /** What waited is told, in order; then all is as before. */
  release(domainName: string): void {
    const held = this.#holds.get(domainName);
    if (held === undefined) return;
    held.hold.isHolding = false;
    held.wake();
  }

  factoryFor(domainName: string): TransportFactory {
    const { scheme } = this.#factory;
    return {
      scheme,
      create: (host) => this.#wrap(domainName, this.#factory.create(host), host),
    };
  }

  #wrap(domainName: string, inner: Transport, host: TransportHost): Transport {
    const hold = new Hold();
    const wake = (): void => {
      host.wake();
    };
    this.#holds.set(domainName, { hold, wake });
    this.frameBytesMax = inner.capabilities.frameBytesMax;
    this.hasMemory = inner.memory !== undefined;
    const placeOf = (address: Address): Address => {
      return this.#cut.has(domainName) ? this.#nowhere : address;
    };
    const openLane = inner.openLane?.bind(inner);
    return {
      scheme: inner.scheme,
      capabilities: inner.capabilities,
      memory: inner.memory,
      open: (address, sink, lane) => {
        const tapped: TappedLink = {
          domainName,
          authority: address.authority,
          frameCount: 0,
          byteCount: 0,
          isClosed: false,
        };
        this.dialled.push(tapped);
        return watch(inner.open(placeOf(address), listenTo(sink, tapped, hold), lane), tapped);
      },
      ...(openLane === undefined
        ? {}
        : { openLane: (address, sink) => openLane(placeOf(address), sink) }),
      listen: (address, accept) => inner.listen(address, accept),
      poll: (limit) => hold.deliver() + inner.poll(limit),
      park: () => inner.park(),
    };
  }
}

function watch(link: Link, tapped: TappedLink): Link {
  let claimedBytes = 0;
  return {
    claimBytes: link.claimBytes,
    claim: (byteLength) => {
      claimedBytes = byteLength;
      return link.claim(byteLength);
    },
    commit: () => {
      tapped.frameCount++;
      tapped.byteCount += claimedBytes;
      link.commit();
    },
    abort: () => {
      link.abort();
    },
    close: () => {
      tapped.isClosed = true;
      link.close();
    },
  };
}

function listenTo(sink: LinkSink, tapped: TappedLink, hold: Hold): LinkSink {
  return {
    linkUp: (identity) => {
      hold.take(() => {
        sink.linkUp(identity);
      });
    },
    linkDown: (fault) => {
      hold.take(() => {
        sink.linkDown(fault);
      });
    },
    frame: (bytes, offset, byteLength) => {
      tapped.byteCount += byteLength;
      if (hold.isIdle) {
        sink.frame(bytes, offset, byteLength);
        return;
      }
      // The bytes are valid during the call alone.
      const copy = new Uint8Array(4 * Math.ceil(byteLength / 4));
      copy.set(bytes.subarray(offset, offset + byteLength));
      hold.take(() => {
        if (!tapped.isClosed) sink.frame(copy, 0, byteLength);
      });
    },
    writable: () => {
      hold.take(() => {
        if (!tapped.isClosed) sink.writable();
      });
    },
    closed: () => {
      hold.take(() => {
        sink.closed();
      });
    },
  };
}
