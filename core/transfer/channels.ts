/**
 * Channels: finds the way to the owner of a remote buffer, and opens and keeps the channels there.
 *
 * A reference is as good as the buffer to whoever sees it, so it goes to nobody who merely claims
 * to be its owner: only over a channel that this side dialled or summoned, or whose peer has a
 * name by the transport's word. The ways, best first (B3): an open channel to the owner; the
 * place that an endpoint to the owner dialled, or a channel that such an endpoint asks its dialler
 * for; the addresses in the reference; and last, as a relay, the domain that it came from.
 */
import type { EndpointHandlers, Offer, OfferRefusal, Peer } from '../api.js';
import { parseAddress, makeAddress } from '../address.js';
import type { Connector, Place } from '../connector.js';
import type { EndpointCore } from '../endpoint-core.js';
import type { Endpoint } from '../endpoint.js';
import { ErrorCode, IdcError } from '../errors.js';
import type { PeerIndex } from '../peer-index.js';
import type { Quota } from '../quota.js';
import type { ReceivedTransaction } from '../received-transaction.js';
import type { Runtime } from '../runtime.js';
import { WheelTimer, type TimerWheel } from '../timer-wheel.js';
import type { Transport } from '../transport.js';
import type { TimeLimits } from '../api.js';
import type { Channel, Routes } from './channel.js';
import type { Lanes } from './lanes.js';
import { LiveChannel } from './live-channel.js';
import type { RemoteBufferReference } from './reference.js';

/** The service that channels ask for; no listener of a user's can have it. */
export const transferService = '.transfers';

const dialledName = 'transfers';
const summonedPrefix = 'summoned-';
/** Longest wait for one way before the next is tried, in milliseconds. */
const wayMs = 2_000;
/** A peer that summons again before that is not heard. */
const summonMs = 500;
/** A dialled channel that nothing went over for two sweeps is closed. */
const sweepMs = 15_000;
const idleSweepsMax = 2;
/** Owners of which is kept from whom their references came. */
const originsMax = 4_096;

export interface ChannelHost {
  readonly domainId: string;
  readonly runtime: Runtime;
  readonly wheel: TimerWheel;
  readonly connector: Connector;
  readonly peers: PeerIndex;
  readonly lanes: Lanes;
  readonly limits: TimeLimits;
  transportFor(scheme: string): Transport | undefined;
  quotaFor(transport: Transport): Quota;
  /** The domain made an internal endpoint, which ends with the domain. */
  keep(core: EndpointCore, endpoint: Endpoint): void;
  mayTransfer(peer: Peer): boolean;
  /** False if nobody could want anything of this domain. */
  canServe(): boolean;
  serve(transaction: ReceivedTransaction, channel: Channel): void;
}

interface Summons {
  readonly domainId: string;
  readonly settle: (channel: LiveChannel | undefined) => void;
  readonly promise: Promise<LiveChannel | undefined>;
  readonly core: EndpointCore;
}

export class Channels implements Routes {
  readonly #host: ChannelHost;
  readonly #channels = new Set<LiveChannel>();
  /** Channels that this side dialled, by scheme and authority. */
  readonly #byDoor = new Map<string, LiveChannel>();
  /** Channels that this side asked for and that have not come, by the name they will have. */
  readonly #summons = new Map<string, Summons>();
  /** From which domain the references of an owner came last. */
  readonly #origins = new Map<string, string>();
  #routes = new WeakMap<RemoteBufferReference, LiveChannel>();
  readonly #sweepTimer = new WheelTimer(() => {
    this.#sweep();
  });
  #isEnded = false;

  constructor(host: ChannelHost) {
    this.#host = host;
  }

  get count(): number {
    return this.#channels.size;
  }

  // HOT:
  current(reference: RemoteBufferReference): Channel | undefined {
    const known = this.#routes.get(reference);
    if (known?.isConnected === true) {
      known.isUsed = true;
      return known;
    }
    const found = this.#connected(reference, []);
    if (found !== undefined) this.#routes.set(reference, found);
    return found;
  }

  async find(
    reference: RemoteBufferReference,
    deadlineMs: number,
    visited: readonly string[],
  ): Promise<Channel | IdcError> {
    const { ownerId, ownerIncarnation } = reference;
    const open = this.#connected(reference, visited);
    if (open !== undefined) return open;
    const isOwner = (channel: LiveChannel): boolean => channel.leadsTo(ownerId, ownerIncarnation);
    // Of a request that is passed on nobody knows whether its reference is genuine: it must not
    // make this domain dial where somebody else wants.
    const addresses = visited.length === 0 ? reference.addresses : [];
    const direct = await this.#first(
      () => this.#waysToOwner(reference, addresses),
      isOwner,
      deadlineMs,
    );
    if (direct !== undefined) return direct;
    const successor = await this.#findSuccessor(reference, deadlineMs);
    if (successor !== undefined) return successor;
    const relay = await this.#first(
      () => this.#relaysTo(reference, visited).flatMap((id) => this.#waysTo(id)),
      () => true,
      deadlineMs,
    );
    return relay ?? new IdcError(ErrorCode.Unreachable, 'never', { reason: explain(reference) });
  }

  /** A reference of that owner came from `domainId`, which may serve as a relay. */
  learn(ownerId: string, domainId: string): void {
    if (ownerId === domainId || ownerId === this.#host.domainId) return;
    this.#origins.delete(ownerId);
    this.#origins.set(ownerId, domainId);
    if (this.#origins.size <= originsMax) return;
    const [oldest = ''] = this.#origins.keys();
    this.#origins.delete(oldest);
  }

  /** The peer of an endpoint that this side dialled asks for a channel. */
  summoned(core: EndpointCore, nonce: number): void {
    const place = this.#host.connector.placeOf(core);
    const { peer } = core;
    if (this.#isEnded || place === undefined || peer === undefined) return;
    if (!this.#host.mayTransfer(peer)) return;
    const door = `${doorOf(place)} ${peer.domainId} ${core.settings.name}`;
    const former = this.#byDoor.get(door);
    if (former !== undefined) {
      if (this.#host.runtime.clock.now() - former.sinceMs < summonMs) return;
      this.#destroy(former);
    }
    this.#dial(place, door, nameOfSummoned(nonce));
  }

  /** A peer comes to one of this domain's ports for a channel. */
  offered(offer: Offer, transport: Transport): EndpointHandlers | OfferRefusal {
    const { peer } = offer;
    const summons = this.#summons.get(peer.endpointName);
    const isSummoned = summons?.domainId === peer.domainId;
    if (peer.endpointName.startsWith(summonedPrefix) && !isSummoned) return offer.refuse();
    if (!isSummoned && !this.#host.canServe()) return offer.refuse('REFUSED');
    if (!this.#host.mayTransfer(peer)) return offer.refuse('ACCESS_DENIED');
    const isTrusted = isSummoned || peer.identity.kind !== 'unproven';
    const channel = new LiveChannel(transport, isTrusted, this.#host.runtime.clock.now());
    const { appear, ...handlers } = this.#handlersOf(channel);
    return {
      ...handlers,
      appear: (endpoint) => {
        void appear?.(endpoint);
        this.#channels.add(channel);
      },
      connect: (endpoint) => {
        void handlers.connect?.(endpoint);
        this.#summons.delete(peer.endpointName);
        summons?.settle(channel);
      },
      disappear: () => {
        channel.settle(false);
        this.#channels.delete(channel);
      },
    };
  }

  /** No channel is opened any more. Their endpoints end with the domain. */
  end(): void {
    this.#isEnded = true;
    this.#host.wheel.disarm(this.#sweepTimer);
    for (const { settle } of this.#summons.values()) settle(undefined);
    this.#summons.clear();
    for (const channel of this.#channels) channel.settle(false);
  }

  #connected(
    reference: RemoteBufferReference,
    visited: readonly string[],
  ): LiveChannel | undefined {
    const { ownerId, ownerIncarnation } = reference;
    const relays = this.#relaysTo(reference, visited);
    let relay: LiveChannel | undefined;
    for (const channel of this.#channels) {
      if (!channel.isConnected || !channel.isTrusted) continue;
      if (channel.leadsTo(ownerId, ownerIncarnation)) return channel;
      if (relays.includes(channel.endpoint.peer?.domainId ?? '')) relay = channel;
    }
    // A better way may be open, but for the asking.
    return visited.length === 0 && this.#mayReachOwner(reference) ? undefined : relay;
  }

  /** True while a way to the owner itself has not been tried in vain. */
  #mayReachOwner({ ownerId, ownerIncarnation, addresses }: RemoteBufferReference): boolean {
    const { connector, peers } = this.#host;
    const isPeer = peers.endpointsTo(ownerId).some((core) => {
      if (core.peer?.incarnation !== ownerIncarnation) return false;
      const place = connector.placeOf(core);
      return place === undefined ? core.canSummon : !this.#isInVain(place);
    });
    return isPeer || addresses.some((address) => this.#placeOf(address) !== undefined);
  }

  /** The domains that may relay, best first. */
  #relaysTo(reference: RemoteBufferReference, visited: readonly string[]): readonly string[] {
    const { ownerId } = reference;
    const own = this.#host.domainId;
    const ids = [reference.from?.peer?.domainId, this.#origins.get(ownerId)];
    return ids.filter((id): id is string => {
      return id !== undefined && id !== ownerId && id !== own && !visited.includes(id);
    });
  }

  #waysToOwner(
    { ownerId, ownerIncarnation }: RemoteBufferReference,
    addresses: readonly string[],
  ): Promise<LiveChannel | undefined>[] {
    const ways = this.#waysTo(ownerId, (incarnation) => incarnation === ownerIncarnation);
    for (const channel of this.#channels) {
      // Its link was lost, and its peer, which dialled it, tries to come back.
      const mayReturn = channel.isTrusted && !channel.isConnected && !channel.hasFailed;
      if (mayReturn && channel.leadsTo(ownerId, ownerIncarnation))
        ways.push(whenConnected(channel));
    }
    for (const address of addresses) {
      const place = this.#placeOf(address);
      if (place !== undefined) ways.push(this.#dialled(place));
    }
    return ways;
  }

  /** The owner has started anew: it knows, and says, that the reference is of no use any more. */
  #findSuccessor(
    { ownerId, ownerIncarnation }: RemoteBufferReference,
    deadlineMs: number,
  ): Promise<LiveChannel | undefined> {
    for (const channel of this.#channels) {
      const isOpen = channel.isConnected && channel.isTrusted;
      if (isOpen && channel.endpoint.peer?.domainId === ownerId) return Promise.resolve(channel);
    }
    return this.#first(
      () => this.#waysTo(ownerId, (incarnation) => incarnation !== ownerIncarnation),
      () => true,
      deadlineMs,
    );
  }

  /** Ways to a domain that endpoints of this one are connected to. */
  #waysTo(
    domainId: string,
    isWanted: (incarnation: string | undefined) => boolean = () => true,
  ): Promise<LiveChannel | undefined>[] {
    const ways: Promise<LiveChannel | undefined>[] = [];
    for (const core of this.#host.peers.endpointsTo(domainId)) {
      if (!isWanted(core.peer?.incarnation)) continue;
      const place = this.#host.connector.placeOf(core);
      if (place !== undefined) ways.push(this.#dialled(place));
      else if (core.canSummon) ways.push(this.#summon(core));
      // Endpoints of one domain lead to the same peer: a few of them are enough.
      if (ways.length >= 2) break;
    }
    return ways;
  }

  #dialled(place: Place): Promise<LiveChannel | undefined> {
    const door = doorOf(place);
    return whenConnected(this.#byDoor.get(door) ?? this.#dial(place, door, dialledName));
  }

  #dial({ transport, address }: Place, door: string, name: string): LiveChannel {
    const { connector, limits, runtime, wheel } = this.#host;
    const place = {
      transport,
      address: makeAddress(address.scheme, address.authority, transferService),
    };
    const channel = new LiveChannel(transport, true, runtime.clock.now(), place);
    const settings = { name, quota: this.#host.quotaFor(transport), limits, isBulk: true };
    const { core, endpoint } = connector.create(place, settings, this.#handlersOf(channel));
    channel.endpoint = endpoint;
    this.#channels.add(channel);
    this.#byDoor.set(door, channel);
    this.#host.keep(core, endpoint);
    endpoint.lifecycle$.subscribe((event) => {
      if (event.type === 'connect') channel.hasFailed = false;
      if (event.type === 'attempt') this.#failed(channel);
      if (event.type === 'destroyed') this.#drop(door, channel);
    });
    if (!this.#sweepTimer.isArmed) wheel.arm(this.#sweepTimer, sweepMs);
    return channel;
  }

  #failed(channel: LiveChannel): void {
    channel.hasFailed = true;
    channel.settle(false);
  }

  #drop(door: string, channel: LiveChannel): void {
    this.#channels.delete(channel);
    if (this.#byDoor.get(door) === channel) this.#byDoor.delete(door);
    channel.settle(false);
  }

  #summon(core: EndpointCore): Promise<LiveChannel | undefined> {
    for (const summons of this.#summons.values()) {
      if (summons.core === core) return summons.promise;
    }
    const word = new Uint8Array(4);
    this.#host.runtime.prng.fill(word);
    const nonce = (new DataView(word.buffer).getUint32(0, true) >>> 1) | 0;
    const name = nameOfSummoned(nonce);
    let settle: Summons['settle'] = () => undefined;
    const promise = new Promise<LiveChannel | undefined>((resolve) => {
      settle = resolve;
    });
    const timer = new WheelTimer(() => {
      this.#summons.delete(name);
      settle(undefined);
    });
    this.#host.wheel.arm(timer, wayMs);
    void promise.then(() => {
      this.#host.wheel.disarm(timer);
    });
    this.#summons.set(name, { domainId: core.peer?.domainId ?? '', settle, promise, core });
    core.summon(nonce);
    return promise;
  }

  #handlersOf(channel: LiveChannel): EndpointHandlers {
    return {
      appear: (endpoint) => {
        channel.endpoint = endpoint;
      },
      connect: () => {
        // Somebody may have a better way now.
        this.#routes = new WeakMap();
        this.#host.lanes.connected(channel);
        channel.settle(true);
      },
      disconnect: () => this.#host.lanes.disconnected(channel),
      transaction: (transaction) => {
        channel.isUsed = true;
        this.#host.serve(transaction, channel);
      },
      message: (message) => {
        message.complete();
      },
    };
  }

  /**
   * Opens ways: the first of them that comes and is wanted; undefined if none does in time. A
   * search that outlives its domain opens none, for nobody would close it.
   */
  #first(
    openWays: () => readonly Promise<LiveChannel | undefined>[],
    isWanted: (channel: LiveChannel) => boolean,
    deadlineMs: number,
  ): Promise<LiveChannel | undefined> {
    const ways = this.#isEnded ? [] : openWays();
    if (ways.length === 0) return Promise.resolve(undefined);
    const leftMs = deadlineMs - this.#host.runtime.clock.now();
    return new Promise((resolve) => {
      let openCount = ways.length;
      const timer = new WheelTimer(() => {
        resolve(undefined);
      });
      this.#host.wheel.arm(timer, Math.max(0, Math.min(wayMs, leftMs)));
      const settle = (channel: LiveChannel | undefined): void => {
        this.#host.wheel.disarm(timer);
        resolve(channel);
      };
      for (const way of ways) {
        void way.then((channel) => {
          openCount -= 1;
          if (channel?.isConnected === true && isWanted(channel)) settle(channel);
          else if (openCount === 0) settle(undefined);
        });
      }
    });
  }

  /** Where an address of a reference leads; undefined if it is of no use now. */
  #placeOf(text: string): Place | undefined {
    const place = this.#parse(text);
    return place === undefined || this.#isInVain(place) ? undefined : place;
  }

  /** A channel is dialled there, and does not come; when it does, it will be seen. */
  #isInVain(place: Place): boolean {
    return this.#byDoor.get(doorOf(place))?.hasFailed === true;
  }

  #parse(text: string): Place | undefined {
    try {
      const address = parseAddress(text);
      const transport = this.#host.transportFor(address.scheme);
      return transport === undefined ? undefined : { transport, address };
    } catch (error) {
      if (error instanceof IdcError) return undefined;
      throw error;
    }
  }

  /** Closes dialled channels that are of no use to anybody any more. */
  #sweep(): void {
    for (const channel of this.#byDoor.values()) {
      const { transactionsOutstanding } = channel.endpoint.statistics();
      const isIdle = !channel.isUsed && transactionsOutstanding === 0;
      channel.isUsed = false;
      channel.idleSweeps = isIdle ? channel.idleSweeps + 1 : 0;
      if (channel.idleSweeps >= idleSweepsMax) this.#destroy(channel);
    }
    if (this.#byDoor.size > 0) this.#host.wheel.arm(this.#sweepTimer, sweepMs);
  }

  #destroy(channel: LiveChannel): void {
    for (const [door, other] of this.#byDoor) if (other === channel) this.#byDoor.delete(door);
    this.#channels.delete(channel);
    void channel.endpoint.destroy();
  }
}

/** The channel once it is connected; undefined if it cannot be for now. */
function whenConnected(channel: LiveChannel): Promise<LiveChannel | undefined> {
  return new Promise((resolve) => {
    channel.whenConnected((isConnected) => {
      resolve(isConnected ? channel : undefined);
    });
  });
}

function doorOf({ address }: Place): string {
  return `${address.scheme} ${address.authority}`;
}

function nameOfSummoned(nonce: number): string {
  return `${summonedPrefix}${nonce.toString(16)}`;
}

function explain({ addresses }: RemoteBufferReference): string {
  const tried = addresses.length === 0 ? 'it gives no address' : addresses.join(', ');
  return `there is no way to the owner of the buffer: ${tried}`;
}
