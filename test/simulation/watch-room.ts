/**
 * WatchRoom: knows every endpoint of a world, and which two are the ends of one connection.
 *
 * It hooks into the two ways in which a domain makes endpoints. What the pairs have to obey (V1) is
 * judged here; what one endpoint has to obey, in `Watch`.
 */
import type { Domain, Endpoint } from '../../core/index.js';
import type { Place } from './place.js';
import { Watch } from './watch.js';
import type { World } from './world.js';

export class WatchRoom {
  readonly #world: World;
  readonly #byEndpoint = new Map<Endpoint, Watch>();
  /** The endpoints that are or were an end of one connection, one after another. */
  readonly #pairs = new Map<string, Set<Watch>>();
  readonly #dueAfterStep: (() => void)[] = [];
  /** Told of each endpoint right after its creation. */
  onEndpoint: (watch: Watch) => void = () => undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Every endpoint that is not destroyed, of every domain that is up. */
  get watches(): readonly Watch[] {
    return [...this.#byEndpoint.values()].filter((watch) => watch.life.isAlive);
  }

  watchOf(endpoint: Endpoint): Watch {
    const watch = this.#byEndpoint.get(endpoint);
    if (watch === undefined) throw new Error(`endpoint ${endpoint.name} was made behind our back`);
    return watch;
  }

  /** Watches every endpoint that `domain` will make. */
  watchDomain(domain: Domain, place: Place): void {
    const create = domain.createEndpoint.bind(domain);
    domain.createEndpoint = (address, handlers, options) => {
      const endpoint = create(address, handlers, options);
      const target = address.slice(address.indexOf('://') + 3);
      this.#add(new Watch(this.#world, endpoint, place, 'dial', target), domain);
      return endpoint;
    };
    const listen = domain.listen.bind(domain);
    domain.listen = (address, offer, options) => {
      const listener = listen(address, offer, options);
      const target = address.slice(address.indexOf('://') + 3);
      listener.lifecycle$.subscribe((event) => {
        if (event.type !== 'endpoint') return;
        this.#add(new Watch(this.#world, event.endpoint, place, 'accept', target), domain);
      });
      return listener;
    };
  }

  /** After every step: what holds of each endpoint at any time. */
  audit(): void {
    for (const watch of this.#byEndpoint.values()) {
      if (watch.life.isAlive) watch.audit();
    }
  }

  /** The dialling endpoint of that name at `host`. */
  diallerOf(host: string, endpointName: string): Watch | undefined {
    return this.watches.find(
      ({ role, place, endpoint }) =>
        role === 'dial' && place.name === host && endpoint.name === endpointName,
    );
  }

  /** The other end of `dialler`'s connection, if it is in `epoch`. */
  acceptorOf(dialler: Watch, epoch: number): Watch | undefined {
    return this.#others(dialler).find(
      (other) => other.life.isAlive && other.isConnected && other.epoch === epoch,
    );
  }

  /** Runs `check` when every promise of this step has settled. */
  afterStep(check: () => void): void {
    if (this.#dueAfterStep.length === 0) {
      this.#world.after(0, () => {
        for (const due of this.#dueAfterStep.splice(0)) due();
      });
    }
    this.#dueAfterStep.push(check);
  }

  /** An accepted endpoint knows its peer from now on. */
  appeared(watch: Watch): void {
    if (watch.role === 'accept') this.#enterPair(watch, this.#keyOfAccepted(watch));
  }

  destroyed(watch: Watch): void {
    this.#byEndpoint.delete(watch.endpoint);
    for (const pair of this.#pairs.values()) pair.delete(watch);
  }

  /** True if both ends of its connection are in the same epoch. */
  isMatched(watch: Watch): boolean {
    if (!watch.isConnected) return false;
    const others = this.#others(watch).filter((other) => other.life.isAlive && other.isConnected);
    return others.length === 1 && others[0]?.epoch === watch.epoch;
  }

  /** V1: when an epoch opens at one end, neither end still has anything of an older one. */
  connected(watch: Watch): void {
    for (const other of this.#others(watch)) {
      if (!other.life.isAlive) continue;
      const older = other.oldestOpenEpoch;
      const claim = `V1 epoch ${watch.epoch} opens, but ${other.name} has work of ${older} open`;
      this.#world.expect(older >= watch.epoch, claim, watch.name);
      if (other.isConnected) {
        const mismatch = `V1 epoch ${watch.epoch} opens, but ${other.name} is in ${other.epoch}`;
        this.#world.expect(other.epoch === watch.epoch, mismatch, watch.name);
      }
    }
  }

  #others(watch: Watch): Watch[] {
    const pair = this.#pairs.get(watch.pairKey) ?? new Set<Watch>();
    return [...pair].filter((other) => other !== watch);
  }

  #add(watch: Watch, domain: Domain): void {
    this.#byEndpoint.set(watch.endpoint, watch);
    if (watch.role === 'dial') {
      const dialler = this.#world.network.provesIdentity ? domain.name : domain.incarnation;
      this.#enterPair(watch, `${dialler} ${watch.endpoint.name} > ${watch.target}`);
    }
    this.onEndpoint(watch);
  }

  #keyOfAccepted(watch: Watch): string {
    const { peer } = watch.endpoint;
    const provesIdentity = this.#world.network.provesIdentity;
    const dialler = provesIdentity ? peer?.domainName : peer?.incarnation;
    return `${String(dialler)} ${String(peer?.endpointName)} > ${watch.target}`;
  }

  #enterPair(watch: Watch, key: string): void {
    watch.pairKey = key;
    const pair = this.#pairs.get(key) ?? new Set<Watch>();
    pair.add(watch);
    this.#pairs.set(key, pair);
  }
}
