/** TcpTransport: one domain's access to TCP. It only puts the parts together. */
import type { Address } from '../../core/address.js';
import { assert } from '../../core/assert.js';
import type { BulkLane, LaneSink } from '../../core/bulk-lane.js';
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
import { LinkGroup, type TcpSettings } from './link-group.js';
import { parseAuthority } from './tcp-authority.js';
import { TcpLane } from './tcp-lane.js';
import { TcpLink } from './tcp-link.js';
import { TcpListener } from './tcp-listener.js';

export class TcpTransport implements Transport {
  readonly scheme = 'tcp';
  readonly capabilities: TransportCapabilities;
  readonly #group: LinkGroup;

  constructor(settings: TcpSettings, host: TransportHost) {
    const { frameBytesMax } = settings;
    this.capabilities = Object.freeze({
      frameBytesMax,
      crossProcess: true,
      poll: 'flush',
      bulk: 'lane',
    });
    this.#group = new LinkGroup(settings, host);
  }

  open(address: Address, sink: LinkSink, lane: Lane): Link {
    assert(address.scheme === this.scheme, 'the address is a tcp address', 'BAD_ARGUMENT');
    assert(lane === 'message', 'a bulk lane is opened by openLane', 'BAD_ARGUMENT');
    return TcpLink.dial(this.#group, parseAuthority(address.authority), sink);
  }

  openLane(address: Address, sink: LaneSink): BulkLane {
    assert(address.scheme === this.scheme, 'the address is a tcp address', 'BAD_ARGUMENT');
    return TcpLane.dial(this.#group, parseAuthority(address.authority), sink);
  }

  listen(address: Address, accept: Accept): TransportListener {
    assert(address.scheme === this.scheme, 'the address is a tcp address', 'BAD_ARGUMENT');
    return new TcpListener(this.#group, address, accept);
  }

  /** Sockets deliver in their own events; this flushes, and tells how much traffic there was. */
  // HOT:
  poll(limit: number): number {
    return this.#group.poll(limit);
  }

  /** Whoever is listed has woken the domain, and the event loop watches the sockets. */
  park(): boolean {
    return true;
  }
}
