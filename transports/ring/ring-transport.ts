/** RingTransport: one domain's access to shared memory. It only puts the parts together. */
import type { Address } from '../../core/address.js';
import { assert } from '../../core/assert.js';
import {
  Fault,
  type Accept,
  type Lane,
  type Link,
  type LinkSink,
  type Transport,
  type TransportCapabilities,
  type TransportHost,
  type TransportListener,
} from '../../core/transport.js';
import type { SharedMemory } from '../../core/shared-memory.js';
import { MemoryKind } from './introduction.js';
import { LinkGroup, type RingSettings } from './link-group.js';
import { MappedMedium } from './mapped-medium.js';
import type { Native } from './native.js';
import { mayPagesBeRefused, RegionMemory } from './region-memory.js';
import { Rendezvous } from './rendezvous.js';
import { RingLink } from './ring-link.js';
import { RingListener } from './ring-listener.js';
import { identityOf, nameOf } from './ring-name.js';
import { SharedMedium } from './shared-medium.js';

export class RingTransport implements Transport {
  readonly scheme = 'ring';
  readonly capabilities: TransportCapabilities;
  readonly memory: SharedMemory | undefined;
  readonly #group: LinkGroup;

  /** Without `native` only other threads are reached. */
  constructor(settings: RingSettings, native: Native | undefined, host: TransportHost) {
    const wake = (): void => {
      host.wake();
    };
    const { runtime } = host;
    const medium =
      native === undefined ? new SharedMedium(runtime, wake) : new MappedMedium(native, runtime);
    this.#group = new LinkGroup(settings, medium, host);
    const isMapped = medium.kind === MemoryKind.Mapped;
    this.memory =
      native === undefined || mayPagesBeRefused() ? undefined : new RegionMemory(native, runtime);
    this.capabilities = Object.freeze({
      frameBytesMax: settings.frameBytesMax,
      crossProcess: isMapped,
      poll: isMapped ? 'full' : 'flush',
      bulk: this.memory === undefined ? 'inline' : 'region',
    });
  }

  open(address: Address, sink: LinkSink, lane: Lane): Link {
    assert(address.scheme === this.scheme, 'the address is a ring address', 'BAD_ARGUMENT');
    assert(lane === 'message', 'a ring has no bulk lane', 'BAD_ARGUMENT');
    const group = this.#group;
    const { medium, settings } = group;
    const own = medium.present(settings.ringBytes);
    if (typeof own === 'string') {
      const link = new RingLink(group, undefined, sink);
      link.fail(own);
      return link;
    }
    let abandon = (): void => undefined;
    const link = new RingLink(group, own.memory, sink, () => {
      abandon();
    });
    const name = nameOf(address);
    const wire = name === undefined ? Fault.Unsupported : medium.dial(name);
    if (typeof wire === 'string') {
      link.fail(wire);
      return link;
    }
    const { credentials } = wire;
    if (credentials !== undefined && !settings.mayConnect(credentials.uid)) {
      wire.close();
      link.fail(Fault.AccessDenied);
      return link;
    }
    const rendezvous = new Rendezvous(medium, wire, settings.ringBytes, own, (result) => {
      if (typeof result === 'string') link.fail(result);
      else link.join({ ...result, identity: identityOf(address, credentials) });
    });
    abandon = (): void => {
      group.drop(rendezvous);
    };
    group.pursue(rendezvous, () => {
      link.fail(Fault.TimedOut);
    });
    return link;
  }

  listen(address: Address, accept: Accept): TransportListener {
    assert(address.scheme === this.scheme, 'the address is a ring address', 'BAD_ARGUMENT');
    return new RingListener(this.#group, address, accept);
  }

  // HOT:
  poll(limit: number): number {
    return this.#group.poll(limit);
  }

  park(): boolean {
    return this.#group.park();
  }
}
