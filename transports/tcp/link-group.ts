/**
 * LinkGroup: what the links of one transport share, and the list of those that `poll` must see.
 *
 * The landing area and the carry pool are shared because a read is parsed before the next one
 * begins. A link is listed when it has output or owes its sink a `writable`; the host is woken
 * then, and once per read, so that a domain that waits adaptively notices traffic.
 */
import { assert } from '../../core/assert.js';
import type { Runtime } from '../../core/runtime.js';
import type { TransportHost } from '../../core/transport.js';
import { CarryPool } from './carry-pool.js';
import { LandingArea } from './framing.js';

/** Checked settings of one transport; `TcpOptions` says what they mean. */
export interface TcpSettings {
  readonly frameBytesMax: number;
  readonly connectMs: number;
  readonly sendBytes: number;
  readonly readBytes: number;
  readonly plaintextBeyondLoopback: 'deny' | 'allow';
}

/** A link, seen from its group. */
export interface Flushable {
  /** Writes what was committed, and says `writable` if that is due. */
  flush(): void;
}

export class LinkGroup {
  readonly settings: TcpSettings;
  readonly runtime: Runtime;
  readonly area: LandingArea;
  readonly carries: CarryPool = new CarryPool();

  /** Polls so far, modulo 2^31. */
  pollCount = 0;
  /** How often frames have come or gone for which lanes make way, modulo 2^30. */
  trafficCount = 0;

  readonly #host: TransportHost;
  #listed: Flushable[] = [];
  #framesSincePoll = 0;

  constructor(settings: TcpSettings, host: TransportHost) {
    this.settings = settings;
    this.runtime = host.runtime;
    this.area = new LandingArea(settings.frameBytesMax, settings.readBytes);
    this.#host = host;
  }

  /** `link` takes care that it is listed once. */
  list(link: Flushable): void {
    this.#listed.push(link);
    this.#host.wake();
  }

  /** A link that is not `isBulk` has read or written frames. */
  // HOT:
  noteTraffic(): void {
    this.trafficCount = (this.trafficCount + 1) & 0x3fffffff;
  }

  /** One read delivered `frameCount` frames. */
  sawRead(frameCount: number): void {
    this.#framesSincePoll += frameCount;
    this.#host.wake();
  }

  /** Flushes who is listed now; who is listed meanwhile waits for the next poll. */
  // HOT:
  poll(limit: number): number {
    assert(limit > 0, 'a poll may handle something', 'BAD_ARGUMENT');
    this.pollCount = (this.pollCount + 1) & 0x7fffffff;
    let handled = this.#framesSincePoll;
    this.#framesSincePoll = 0;
    const listed = this.#listed;
    if (listed.length > 0) {
      this.#listed = [];
      handled += listed.length;
      for (const link of listed) link.flush();
    }
    return handled;
  }
}
