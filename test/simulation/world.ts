/**
 * World: domains on one virtual clock, one network and one seed; what a scenario acts on.
 *
 * Whatever a domain does goes through its `Place`, so that it can be crashed and started again.
 * Every endpoint of every domain is watched from its creation on: the grammar of its notifications
 * and the rules of reconnecting hold for any driver, whoever wrote it.
 */
import { TaskKind } from './task-heap.js';
import { Life } from './life.js';
import { Place, type Boot, type PlaceOptions } from './place.js';
import { Random } from './prng.js';
import type { SimulatedLink } from './simulated-link.js';
import { SimulatedNetwork } from './simulated-network.js';
import { Trace } from './trace.js';
import { drive, VirtualTime } from './virtual-time.js';
import { WatchRoom } from './watch-room.js';
import { WireTap } from './wire-tap.js';

export interface WorldOptions {
  readonly seed: number;
  /** Lines of the trace that are kept. Default 40. */
  readonly keptLines?: number;
  /** True if the network proves to each end who the other is. Default false. */
  readonly provesIdentity?: boolean;
}

const keptLinesDefault = 40;
/** A goodbye, and the longest time for which a domain is stopped. */
const forgedLimitMs = 12_000;
/** Nothing is on its way for as long. */
const restMs = 20_000;

export class World {
  readonly seed: number;
  readonly random: Random;
  readonly time: VirtualTime = new VirtualTime();
  readonly trace: Trace;
  readonly network: SimulatedNetwork;
  readonly watchRoom: WatchRoom;
  readonly wireTap: WireTap;
  /** Tasks of the world itself, which never crashes. */
  readonly #ground = new Life('world');
  readonly #places = new Map<string, Place>();
  readonly #always: (() => void)[] = [];
  /** Told of each domain that has closed in good order, before its life ends. */
  onClosed: (place: Place) => void = () => undefined;
  #isFaulty = true;
  #isClosing = false;

  constructor(options: WorldOptions) {
    const { seed, keptLines = keptLinesDefault, provesIdentity = false } = options;
    this.seed = seed;
    this.random = new Random(seed);
    this.trace = new Trace(keptLines);
    this.network = new SimulatedNetwork({
      random: this.random.fork('network'),
      provesIdentity,
      trace: (event) => {
        this.log('network', event);
      },
    });
    this.watchRoom = new WatchRoom(this);
    this.wireTap = new WireTap(this);
    this.network.observer = this.wireTap;
    this.time.onStep = () => {
      this.watchRoom.audit();
      for (const check of this.#always) check();
    };
  }

  get nowMs(): number {
    return this.time.nowMs;
  }

  get places(): readonly Place[] {
    return [...this.#places.values()];
  }

  /** False once the faults have stopped and everything has to come right. */
  get isFaulty(): boolean {
    return this.#isFaulty;
  }

  /** True once no domain is started any more. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Calls `check` after every step; it throws if something is not as it should be. */
  always(check: () => void): void {
    this.#always.push(check);
  }

  /** A line of the trace. */
  log(who: string, what: string): void {
    this.trace.add(`${this.time.nowMs.toFixed(4)} ${who}: ${what}`);
  }

  /** The run has failed, unless `holds`. `claim` says what had to hold. */
  expect(holds: boolean, claim: string, who = 'world'): void {
    if (!holds) this.fail(`${who}: ${claim}`);
  }

  fail(reason: string): void {
    if (this.time.failure !== undefined) return;
    this.log('FAILURE', reason);
    this.time.fail(new Error(reason));
  }

  /**
   * A domain, started at once and again after each crash, with the same id and a new incarnation.
   * `boot` makes its listeners and endpoints.
   */
  addDomain(name: string, boot: Boot, options: PlaceOptions = {}): Place {
    const place = new Place(this, name, boot, options);
    this.#places.set(name, place);
    place.start();
    return place;
  }

  place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`no domain is called ${name}`);
    return place;
  }

  /** Runs `task` in `delayMs`, whatever happens to any domain. */
  after(delayMs: number, task: () => void): void {
    this.time.schedule(this.#ground, TaskKind.After, this.time.nowMs + delayMs, task);
  }

  /** From now on nothing goes wrong; who is stopped goes on when its time has come. */
  heal(weather: SimulatedNetwork['weather']): void {
    this.log('world', 'heals');
    this.#isFaulty = false;
    this.network.weather = weather;
    this.network.unclog();
    for (const place of this.places) {
      if (!place.isUp) place.start();
    }
  }

  /** Lets `durationMs` pass, or less if that takes more than `stepsMax` steps. */
  async run(durationMs: number, stepsMax: number = Infinity): Promise<void> {
    const lastStep = this.time.stepCount + stepsMax;
    let isOver = false;
    this.after(durationMs, () => {
      isOver = true;
    });
    await drive(this.time, () => isOver || this.time.stepCount >= lastStep);
  }

  /** Lets time pass until `fact` holds; the run fails if that takes longer than `limitMs`. */
  async until(what: string, limitMs: number, fact: () => boolean): Promise<void> {
    const endMs = this.nowMs + limitMs;
    this.after(limitMs, () => undefined);
    await drive(this.time, () => fact() || this.nowMs >= endMs);
    this.expect(fact(), `${what} within ${limitMs} ms`);
    if (this.time.failure !== undefined) throw this.time.failure;
  }

  /** V12: a link that brought a forged frame is given up; a goodbye may come first. */
  expectEnd(link: SimulatedLink): void {
    this.after(forgedLimitMs, () => {
      const isLeft = this.network.links.includes(link) && !link.isOver;
      this.expect(!isLeft, 'V12 a forged frame was taken for a legal one', link.setting.host);
    });
  }

  /** Closes every domain, in bounded time, and looks for what was left behind. */
  async close(limitMs: number): Promise<void> {
    this.#isClosing = true;
    const places = this.places.filter((place) => place.isUp);
    for (const place of places) place.close();
    await this.until('every domain closes', limitMs, () => places.every((place) => !place.isUp));
    await this.run(restMs);
    const { links, listenerCount } = this.network;
    this.expect(links.length === 0, `no link is left, but ${links.length}`);
    this.expect(listenerCount === 0, `no listener is left, but ${listenerCount}`);
    if (this.time.failure !== undefined) throw this.time.failure;
  }
}
