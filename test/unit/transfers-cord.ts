/**
 * Cords: a transport around another one whose links a test can clog and cut, each end by itself. A
 * clogged end keeps what arrives, in order; one that is cut is reset, and its peer may not notice.
 */
import {
  ClaimRefusal,
  Fault,
  type Accept,
  type Address,
  type Lane,
  type Link,
  type LinkSink,
  type PeerIdentity,
  type Transport,
  type TransportCapabilities,
  type TransportFactory,
  type TransportHost,
  type TransportListener,
} from '../../core/contract.js';

const noBytes = new Uint8Array(0);

/** One end of a link. */
export class Cord implements Link, LinkSink {
  readonly #host: TransportHost;
  #inner: Link | undefined = undefined;
  #sink: LinkSink | undefined = undefined;
  #isClogged = false;
  /** Its sink was told that it is down. */
  #isOver = false;
  /** The link below is somebody else's business. */
  #isLeft = false;
  #isClosed = false;
  readonly #kept: Uint8Array[] = [];

  constructor(host: TransportHost) {
    this.#host = host;
  }

  get keptCount(): number {
    return this.#kept.length;
  }

  /** What arrives is kept from now on. */
  clog(): void {
    this.#isClogged = true;
  }

  /** What was kept is delivered, all at once. */
  unclog(): void {
    this.#isClogged = false;
    this.#host.runtime.scheduler.soon(() => {
      for (let bytes = this.#kept.shift(); bytes !== undefined; bytes = this.#kept.shift()) {
        if (!this.#isOver) this.#sink?.frame(bytes, 0, bytes.length);
      }
    });
  }

  /**
   * A reset; what was kept is lost. What this end committed may still arrive over there, and that
   * it is over does not: whoever is between them keeps the other half.
   */
  cut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isLeft = true;
    this.#kept.length = 0;
    this.#host.runtime.scheduler.soon(() => {
      this.#sink?.linkDown(Fault.Reset);
    });
  }

  attachInner(inner: Link): void {
    this.#inner = inner;
  }

  attachSink(sink: LinkSink): void {
    this.#sink = sink;
  }

  get claimBytes(): Uint8Array {
    return this.#inner?.claimBytes ?? noBytes;
  }

  claim(byteLength: number): number {
    return this.#isOver || !this.#inner ? ClaimRefusal.Down : this.#inner.claim(byteLength);
  }

  commit(): void {
    this.#inner?.commit();
  }

  abort(): void {
    this.#inner?.abort();
  }

  close(): void {
    if (!this.#isLeft) this.#inner?.close();
    else if (!this.#isClosed) this.#host.runtime.scheduler.soon(() => this.#sink?.closed());
    this.#isClosed = true;
  }

  linkUp(identity: PeerIdentity): void {
    this.#sink?.linkUp(identity);
  }

  linkDown(fault: Fault): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#kept.length = 0;
    this.#sink?.linkDown(fault);
  }

  frame(bytes: Uint8Array, offset: number, byteLength: number): void {
    if (this.#isOver) return;
    if (!this.#isClogged && this.#kept.length === 0) this.#sink?.frame(bytes, offset, byteLength);
    else this.#kept.push(bytes.slice(offset, offset + byteLength));
  }

  writable(): void {
    if (!this.#isOver) this.#sink?.writable();
  }

  closed(): void {
    if (!this.#isLeft) this.#sink?.closed();
  }
}

/** Where one domain keeps the ends of its links, in the order in which they came. */
export class Cords {
  readonly dialled: Cord[] = [];
  readonly accepted: Cord[] = [];
  /** Services whose dials are turned away. */
  readonly shut: Set<string> = new Set();

  wrap(inner: TransportFactory): TransportFactory {
    return {
      scheme: inner.scheme,
      create: (host) => new CordTransport(inner.create(host), this, host),
    };
  }
}

class CordTransport implements Transport {
  readonly scheme: string;
  readonly capabilities: TransportCapabilities;
  readonly #inner: Transport;
  readonly #cords: Cords;
  readonly #host: TransportHost;

  constructor(inner: Transport, cords: Cords, host: TransportHost) {
    this.scheme = inner.scheme;
    this.capabilities = inner.capabilities;
    this.#inner = inner;
    this.#cords = cords;
    this.#host = host;
  }

  open(address: Address, sink: LinkSink, lane: Lane): Link {
    const cord = new Cord(this.#host);
    const isShut = this.#cords.shut.has(address.service);
    const place = isShut ? { ...address, authority: 'nowhere' } : address;
    cord.attachInner(this.#inner.open(place, cord, lane));
    cord.attachSink(sink);
    if (!isShut) this.#cords.dialled.push(cord);
    return cord;
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
        const cord = new Cord(this.#host);
        this.#cords.accepted.push(cord);
        cord.attachInner(inner);
        cord.attachSink(accept.accept(cord));
        return cord;
      },
      closed: () => {
        accept.closed();
      },
    });
  }

  poll(limit: number): number {
    return this.#inner.poll(limit);
  }

  park(): boolean {
    return this.#inner.park();
  }
}
