/**
 * Stage: what a scenario plays on. It makes domains, listeners and endpoints over one world, waits
 * for facts, collects the transcript, and finds at the end what should not be left.
 *
 * It never sleeps to let something happen; it waits for the fact, and its watchdog only ends what
 * has failed already.
 */
import { parseAddress } from '../../../core/contract.js';
import {
  createDomain,
  type DestroyOptions,
  type Domain,
  type DomainOptions,
  type Endpoint,
  type EndpointOptions,
  type Listener,
  type ListenOptions,
  type Offer,
  type OfferRefusalCode,
  type TimeLimits,
} from '../../../core/index.js';
import { createRandom, type Random } from '../random.js';
import { Actor } from './actor.js';
import { Tap } from './tap.js';
import type { EndpointWorld } from './world.js';

/** Generous, so that a slow machine changes nothing; a scenario lowers those that it is about. */
const patientLimits: TimeLimits = {
  handshakeMs: 20_000,
  lingerMs: 20_000,
  keepAliveMs: 10_000,
  flushMs: 10_000,
  drainMs: 20_000,
  timeoutMs: 20_000,
  fenceMs: 20_000,
  dialMinMs: 2,
  dialMaxMs: 20,
};
const watchdogMs = 30_000;

export interface ServiceOptions extends ListenOptions {
  /** Where to listen; a new address of the world if left out. */
  readonly address?: string;
  readonly hears?: 'both' | 'nothing';
  /** Casts the actor before it hears anything, or turns the peer away. */
  readonly cast?: (actor: Actor, offer: Offer) => OfferRefusalCode | undefined;
}

/** A listener and the actors of its endpoints, in order of creation. */
export interface Service {
  readonly listener: Listener;
  readonly address: string;
  readonly actors: readonly Actor[];
}

export interface DialOptions extends EndpointOptions {
  readonly hears?: 'both' | 'nothing';
  readonly cast?: (actor: Actor) => void;
}

export interface PairOptions {
  readonly front?: DialOptions;
  readonly back?: ServiceOptions;
}

/** Two connected endpoints of two domains. */
export interface Pair {
  readonly front: Actor;
  readonly back: Actor;
  readonly frontDomain: Domain;
  readonly backDomain: Domain;
  readonly service: Service;
}

export class Stage {
  readonly world: EndpointWorld;
  readonly tap: Tap;
  readonly seed: number;
  readonly random: Random;
  readonly #domains: Domain[] = [];
  readonly #actors: Actor[] = [];
  readonly #violations: string[] = [];
  readonly #narration: string[] = [];
  readonly #labels = new Map<string, number>();

  private constructor(world: EndpointWorld, seed: number, nowhere: string) {
    this.world = world;
    this.seed = seed;
    this.random = createRandom(seed);
    this.tap = new Tap(world.transport, parseAddress(nowhere));
  }

  static async create(world: EndpointWorld, seed: number): Promise<Stage> {
    return new Stage(world, seed, await world.vacantAddress('nowhere'));
  }

  /** A domain over the world's transport, and over others that the options name. */
  domain(name: string, options: Partial<DomainOptions> = {}): Domain {
    const limits = { ...patientLimits, ...options.limits };
    const transports = [this.tap.factoryFor(name), ...(options.transports ?? [])];
    const domain = createDomain({ ...options, name, transports, limits });
    this.#domains.push(domain);
    return domain;
  }

  /** Offers a service; resolves once it listens. */
  async listen(domain: Domain, name: string, options: ServiceOptions = {}): Promise<Service> {
    const service = this.offer(domain, name, options);
    const address = await service.listener.ready;
    return { ...service, address };
  }

  /** Offers a service that may have to wait for its address. */
  offer(domain: Domain, name: string, options: ServiceOptions = {}): Service {
    const { address = this.world.listenAddress(name), hears = 'both', cast } = options;
    const actors: Actor[] = [];
    let entering: Actor | undefined;
    const answer = (
      offer: Offer,
    ): ReturnType<Actor['handlers']> | { refused: OfferRefusalCode } => {
      const actor = new Actor(this.#labelOf(`${name}<${offer.peer.endpointName}`), this.violate);
      const refused = cast?.(actor, offer);
      if (refused !== undefined) return { refused };
      entering = actor;
      return actor.handlers(hears);
    };
    const listener = domain.listen(address, answer, options);
    listener.lifecycle$.subscribe((event) => {
      if (event.type !== 'endpoint') return;
      if (entering === undefined) this.violate(`${name}: an endpoint without an offer`);
      else this.#enter(entering, event.endpoint, actors);
      entering = undefined;
    });
    return { listener, address, actors };
  }

  /** Makes the dialling end; its label is `label`. */
  dial(domain: Domain, label: string, address: string, options: DialOptions = {}): Actor {
    const actor = new Actor(this.#labelOf(label), this.violate);
    options.cast?.(actor);
    const endpoint = domain.createEndpoint(address, actor.handlers(options.hears), options);
    this.#enter(actor, endpoint, []);
    return actor;
  }

  /** An actor without an endpoint yet; the scenario attaches one. */
  actor(label: string): Actor {
    const actor = new Actor(this.#labelOf(label), this.violate);
    this.#actors.push(actor);
    return actor;
  }

  /** Takes everybody so far out of the transcript: how far they came depends on time. */
  mute(): void {
    for (const actor of this.#actors) actor.isMuted = true;
  }

  /** The narrator's own line. */
  note(line: string): void {
    this.#narration.push(line);
  }

  /** Two domains, one service, one endpoint at each end, connected. */
  async pair(options: PairOptions = {}): Promise<Pair> {
    const backDomain = this.domain('back');
    const frontDomain = this.domain('front');
    const service = await this.listen(backDomain, 'service', options.back);
    const front = this.dial(frontDomain, 'front', service.address, options.front);
    const back = await this.connected(front, service);
    return { front, back, frontDomain, backDomain, service };
  }

  /** Waits until both ends are connected; answers the last actor of the service. */
  async connected(front: Actor, service: Service): Promise<Actor> {
    await this.until(`${front.label} connects`, () => {
      return front.isConnected && (service.actors.at(-1)?.isConnected ?? false);
    });
    const back = service.actors.at(-1);
    if (back === undefined) throw new Error('the service has an actor');
    front.other = back;
    back.other = front;
    return back;
  }

  /** Waits for a line of the transcript. */
  seen(actor: Actor, line: string): Promise<void> {
    return this.until(`${actor.label}: ${line}`, () => actor.has(line));
  }

  /** Waits for a fact. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + watchdogMs;
    for (let turn = 0; !holds(); turn++) {
      this.#checkViolations();
      if (performance.now() > deadline) throw new Error(`never: ${what}\n${this.explain()}`);
      await turnOf(turn);
    }
  }

  /** Lets the event loop turn; for what must *not* happen, beside a fact that shows progress. */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) await turnOf(0);
  }

  /** Fails the scenario if the fact does not hold. */
  check(holds: boolean, fact: string): void {
    if (!holds) throw new Error(`not so: ${fact}\n${this.explain()}`);
  }

  equal(actual: unknown, expected: unknown, fact: string): void {
    const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
    this.check(left === right, `${fact}: ${left}, expected ${right}`);
  }

  readonly violate = (violation: string): void => {
    this.#violations.push(violation);
  };

  /** One text for each endpoint, in order of creation. */
  transcript(): string[] {
    const heard = this.#actors.filter((actor) => !actor.isMuted);
    const told = heard.flatMap((actor) => actor.lines.map((line) => `${actor.label}: ${line}`));
    return [...told, ...this.#narration];
  }

  explain(): string {
    const domains = this.#domains.map((domain) => {
      return `domain ${domain.name}: ${JSON.stringify(domain.statistics())}`;
    });
    const endpoints = this.#actors.map((actor) => actor.endpoint.explain());
    return [...domains, ...endpoints, ...this.transcript().slice(-60)].join('\n');
  }

  /**
   * Runs the scenario's body under the watchdog, then closes everything and looks for leaks. What
   * the body found comes first; what closing finds after that is mostly its consequence.
   */
  async run(play: (stage: Stage) => Promise<void>): Promise<string[]> {
    const [found] = await Promise.allSettled([this.#watch('the scenario', play(this))]);
    const transcript = this.transcript();
    const isWell = found.status === 'fulfilled';
    const [left] = await Promise.allSettled([this.#close(isWell ? {} : { drainMs: 100 })]);
    for (const outcome of [found, left]) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
    return transcript;
  }

  async #close(options: DestroyOptions): Promise<void> {
    this.#checkViolations();
    const closed = this.#domains.map((domain) => domain.close(options));
    await this.#watch('close', Promise.all(closed));
    for (const actor of this.#actors) actor.checkEnd();
    for (const domain of this.#domains) {
      const left = JSON.stringify(domain.statistics());
      const none = JSON.stringify({ endpoints: 0, listeners: 0, timersArmed: 0 });
      if (left !== none) this.violate(`${domain.name} was closed and has ${left}`);
    }
    this.#checkViolations();
  }

  async #watch<T>(what: string, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const bark = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`${what} does not end\n${this.explain()}`));
      }, 2 * watchdogMs);
    });
    try {
      return await Promise.race([work, bark]);
    } finally {
      clearTimeout(timer);
    }
  }

  #enter(actor: Actor, endpoint: Endpoint, actors: Actor[]): void {
    actor.attach(endpoint);
    actors.push(actor);
    this.#actors.push(actor);
  }

  #labelOf(base: string): string {
    const count = (this.#labels.get(base) ?? 0) + 1;
    this.#labels.set(base, count);
    return count === 1 ? base : `${base} (${count})`;
  }

  #checkViolations(): void {
    if (this.#violations.length === 0) return;
    throw new Error(`${this.#violations.splice(0).join('\n')}\n${this.explain()}`);
  }
}

/** A turn of the event loop; after some turns without success, a millisecond. */
async function turnOf(turn: number): Promise<void> {
  await new Promise<void>((resolve) => {
    if (turn < 100) setImmediate(resolve);
    else setTimeout(resolve, 1);
  });
}
