/**
 * HostileRig: a domain that listens over TCP, an honest peer of it as bystander, and raw peers.
 *
 * Whatever a raw peer did, at the end of each test the bystander's first epoch still answers, all
 * closes, and no socket, timer or endpoint is left.
 */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import type { DomainOptions, EndpointOptions, ListenOptions, Offer } from '../../../core/api.js';
import { createDomain, type Domain } from '../../../core/domain.js';
import type { Listener } from '../../../core/listener.js';
import type { Quota } from '../../../core/quota.js';
import { tcp } from '../../../transports/tcp/index.js';
import { Journal } from './journal.js';
import { RawListener, RawPeer } from './raw-peer.js';
import { Watched } from './watched.js';
import { rawQuota } from './wire.js';

/** A watchdog: none of these tests takes long. */
const watchdogMs = 30_000;

/** Small enough to be exhausted. */
const quota: Quota = {
  messages: rawQuota[0],
  messageBytes: rawQuota[1],
  transactions: rawQuota[2],
  parameterBytes: rawQuota[3],
  statusBytes: rawQuota[4],
};

export interface RigOptions {
  readonly domain?: Partial<DomainOptions>;
  readonly listen?: ListenOptions;
  readonly frameBytesMax?: number;
  /** Turns some away. */
  readonly refuse?: (offer: Offer) => boolean;
}

export class HostileRig {
  /** Everybody whom the listener accepted, in order, the bystander first. */
  readonly accepted: Journal<Watched> = new Journal();
  readonly #options: RigOptions;
  readonly #domain: Domain;
  readonly #honest: Domain;
  readonly #listener: Listener;
  readonly #raw = new Set<RawPeer>();
  readonly #rawListeners: RawListener[] = [];
  #port = 0;
  #bystander: Watched | undefined = undefined;
  /** What the clients of accepted endpoints do from now on. */
  isHolding = false;

  private constructor(options: RigOptions) {
    this.#options = options;
    this.#domain = this.#makeDomain('server');
    this.#honest = this.#makeDomain('honest');
    const offered: Watched[] = [];
    this.#listener = this.#domain.listen(
      'tcp://127.0.0.1:0/service',
      (offer) => {
        if (options.refuse?.(offer) === true) return offer.refuse();
        const watched = new Watched();
        watched.isHolding = this.isHolding;
        offered.push(watched);
        return watched.handlers;
      },
      options.listen,
    );
    this.#listener.lifecycle$.subscribe((event) => {
      if (event.type !== 'endpoint') return;
      const watched = offered.shift();
      assert.ok(watched !== undefined, 'an endpoint follows its offer');
      this.accepted.record(watched.watch(event.endpoint));
    });
  }

  static async create(options: RigOptions): Promise<HostileRig> {
    const rig = new HostileRig(options);
    rig.#port = portOf(await rig.#listener.ready);
    const address = `tcp://127.0.0.1:${rig.#port}/service`;
    const bystander = new Watched();
    rig.#bystander = bystander.watch(rig.#honest.createEndpoint(address, bystander.handlers));
    await bystander.events.first(({ type }) => type === 'connect');
    return rig;
  }

  get port(): number {
    return this.#port;
  }

  get listener(): Listener {
    return this.#listener;
  }

  get server(): Domain {
    return this.#domain;
  }

  async dialRaw(): Promise<RawPeer> {
    const peer = await RawPeer.dial(this.#port);
    this.#raw.add(peer);
    peer.socket.once('close', () => this.#raw.delete(peer));
    return peer;
  }

  async listenRaw(): Promise<RawListener> {
    const listener = await RawListener.open();
    this.#rawListeners.push(listener);
    return listener;
  }

  /** An honest endpoint that dials a raw listener. */
  dial(port: number, options: EndpointOptions = {}, service = 'service'): Watched {
    const watched = new Watched();
    const address = `tcp://127.0.0.1:${port}/${service}`;
    return watched.watch(this.#domain.createEndpoint(address, watched.handlers, options));
  }

  /** The newest accepted endpoint. */
  get newest(): Watched {
    const watched = this.accepted.entries.at(-1);
    assert.ok(watched !== undefined);
    return watched;
  }

  /** Lets go of those accepted so far, for who counts memory. */
  forgetAccepted(): void {
    this.accepted.entries.length = 0;
  }

  /** The bystander's transactions are answered, still in its first epoch. */
  async bystanderIsServed(): Promise<void> {
    const endpoint = this.#bystander?.endpoint;
    assert.ok(endpoint !== undefined);
    assert.equal(endpoint.epoch, 1, 'nobody disturbed the bystander');
    assert.deepEqual(this.#bystander?.types, ['appear', 'connect']);
    const status = await endpoint.submitTransaction(Buffer.from('still here'));
    assert.equal(Buffer.from(status).toString(), 'still here');
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#raw].map((peer) => peer.close()));
    const closing = [this.#domain.close({ drainMs: 500 }), this.#honest.close({ drainMs: 500 })];
    await Promise.all(this.#rawListeners.map((listener) => listener.close()));
    await Promise.all(closing);
    for (const domain of [this.#domain, this.#honest]) {
      assert.deepEqual(domain.statistics(), { endpoints: 0, listeners: 0, timersArmed: 0 });
    }
  }

  #makeDomain(name: string): Domain {
    const { frameBytesMax = 64 * 1024 } = this.#options;
    return createDomain({
      name,
      transports: [tcp({ frameBytesMax })],
      quota,
      wait: 'park',
      ...this.#options.domain,
    });
  }
}

/** A test with a rig of its own, after which everything is as it was before. */
export function hostile(
  fact: string,
  body: (rig: HostileRig) => Promise<void>,
  options: RigOptions = {},
): void {
  test(fact, { timeout: watchdogMs }, async () => {
    const before = openSockets();
    const rig = await HostileRig.create(options);
    try {
      await body(rig);
      await rig.bystanderIsServed();
    } finally {
      await rig.dispose();
    }
    await turnUntil(() => openSockets() <= before, 'every socket came back');
  });
}

/** Sockets that this process holds open. */
export function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((name) => targetOf(name).startsWith('socket:')).length;
}

/** Lets the event loop turn until `holds`. */
export async function turnUntil(holds: () => boolean, fact: string): Promise<void> {
  const startMs = performance.now();
  while (!holds()) {
    assert.ok(performance.now() - startMs < watchdogMs, fact);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The descriptor through which the folder is read is closed by now. */
function targetOf(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return '';
  }
}

function portOf(address: string): number {
  return Number(new URL(address).port);
}
