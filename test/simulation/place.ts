/**
 * Place: where a domain of a world lives, one life after another. A crash cuts its power: no task
 * of it runs again, its links die at their other ends, and the next start has a new incarnation.
 */
import {
  createDomain,
  type Domain,
  type DomainOptions,
  type TransportFactory,
} from '../../core/index.js';
import { closeMs } from '../../core/contract.js';
import type { Runtime } from '../../core/runtime.js';
import { Life } from './life.js';
import type { Random } from './prng.js';
import { TaskKind } from './task-heap.js';
import { simulated } from './simulated-transport.js';
import type { World } from './world.js';

const plain = (transport: TransportFactory): readonly TransportFactory[] => [transport];

/** After `close` a domain may finish the turn that it is in. */
const lastTurnsMs = 2;

/** Time for the clients to drain, for goodbyes and for links to close, and a second. */
const closeLimitMs = 10_000 + 1_000 + closeMs + 1_000;

/** Makes the listeners and endpoints of a domain that has just started. */
export type Boot = (domain: Domain, place: Place) => void;

export interface PlaceOptions {
  readonly domain?: Pick<
    DomainOptions,
    'quota' | 'wait' | 'adaptiveMs' | 'limits' | 'authorise' | 'transfers'
  >;
  readonly frameBytesMax?: number;
  readonly windowBytes?: number;
  /** Wraps the simulated transport, or replaces it. */
  readonly transports?: (simulated: TransportFactory, place: Place) => readonly TransportFactory[];
}

/** How a crash is seen from outside. */
export interface CrashOptions {
  /** When the other ends of its links learn it; `Infinity`: by their keep-alive only. Default 1. */
  readonly learnMs?: number;
  /** How long its names stay taken afterwards. Default 0. */
  readonly holdMs?: number;
  /** Dials to it go unanswered instead of being refused. Default false. */
  readonly isDark?: boolean;
}

export class Place {
  readonly name: string;
  readonly random: Random;
  readonly #world: World;
  readonly #boot: Boot;
  readonly #options: PlaceOptions;
  readonly #id = new Uint8Array(16);
  #life: Life;
  /** The domain's client has tasks of its own, which the domain does not answer for. */
  #clientLife: Life;
  #runtime: Runtime;
  #domain: Domain | undefined = undefined;
  #lifeCount = 0;
  #isClosing = false;

  constructor(world: World, name: string, boot: Boot, options: PlaceOptions) {
    this.name = name;
    this.random = world.random.fork(`place ${name}`);
    this.#world = world;
    this.#boot = boot;
    this.#options = options;
    this.random.fill(this.#id);
    this.#life = new Life(name);
    this.#clientLife = new Life(name);
    this.#runtime = world.time.runtimeOf(this.#clientLife, this.random);
  }

  get life(): Life {
    return this.#life;
  }

  /** For the domain's client; whatever is asked of it is forgotten in a crash. */
  get runtime(): Runtime {
    return this.#runtime;
  }

  /** Undefined while it is down. */
  get domain(): Domain | undefined {
    return this.#domain;
  }

  get isUp(): boolean {
    return this.#domain !== undefined;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  get frameBytesMax(): number {
    return this.#options.frameBytesMax ?? 4_096;
  }

  start(): void {
    if (this.#domain !== undefined || this.#world.isClosing) return;
    this.#lifeCount += 1;
    const { name } = this;
    const random = this.random.fork(`life ${this.#lifeCount}`);
    this.#life = new Life(name);
    this.#clientLife = new Life(name);
    const { network, time } = this.#world;
    const runtime = time.runtimeOf(this.#life, random);
    this.#runtime = time.runtimeOf(this.#clientLife, random.fork('client'));
    const { windowBytes = 65_536, transports = plain } = this.#options;
    const { frameBytesMax } = this;
    const transport = simulated({ network, host: name, frameBytesMax, windowBytes });
    const domain = createDomain({
      wait: 'park',
      ...this.#options.domain,
      name,
      id: this.#id.slice(),
      transports: transports(transport, this),
      runtime,
    });
    this.#domain = domain;
    this.#world.log(name, `starts, incarnation ${domain.incarnation}`);
    this.#world.watchRoom.watchDomain(domain, this);
    this.#runtime.scheduler.soon(() => {
      if (!this.#isClosing) this.#boot(domain, this);
    });
  }

  /** The power is cut. */
  crash(options: CrashOptions = {}): void {
    if (this.#domain === undefined) return;
    const { learnMs = 1, holdMs = 0, isDark = false } = options;
    this.#world.log(this.name, `crashes, known after ${learnMs} ms`);
    this.#end();
    this.#world.network.cutPower(this.name, learnMs, holdMs, isDark);
  }

  /** Stops for a while, as a process that got SIGSTOP. */
  stop(durationMs: number): void {
    if (this.#domain === undefined) return;
    this.#world.log(this.name, `stops for ${durationMs} ms`);
    this.#life.stop(this.#world.nowMs, durationMs);
    this.#clientLife.stop(this.#world.nowMs, durationMs);
  }

  /** Goes down in good order; `then` is called once nothing of it is left. */
  close(then: () => void = () => undefined): void {
    const domain = this.#domain;
    if (domain === undefined || this.#isClosing) return;
    this.#world.log(this.name, 'closes');
    this.#isClosing = true;
    const life = this.#life;
    this.#limitClosing(life, closeLimitMs);
    domain.close().then(
      () => {
        if (life.isAlive) this.#closed(domain, life, then);
      },
      (error: unknown) => {
        this.#world.fail(`${this.name}: close rejected: ${String(error)}`);
      },
    );
  }

  /** V9: it needs nobody for it, and of its own clients only as long as they may drain. */
  #limitClosing(life: Life, limitMs: number): void {
    const { stoppedMs } = life;
    this.#world.after(limitMs, () => {
      if (!life.isAlive || life !== this.#life || !this.#isClosing) return;
      const excusedMs = life.stoppedMs - stoppedMs;
      if (excusedMs > 0) this.#limitClosing(life, excusedMs);
      else this.#world.fail(`${this.name}: V9 close takes longer than ${closeLimitMs} ms`);
    });
  }

  /** Nothing of the domain may be left, and after its last turn nothing may be about to happen. */
  #closed(domain: Domain, life: Life, then: () => void): void {
    const { endpoints, listeners, timersArmed } = domain.statistics();
    const left = `${endpoints} endpoints, ${listeners} listeners, ${timersArmed} timers`;
    this.#world.log(this.name, `is closed: ${left}`);
    this.#world.expect(endpoints + listeners + timersArmed === 0, `${left} left`, this.name);
    const { time, nowMs } = this.#world;
    time.schedule(life, TaskKind.After, nowMs + lastTurnsMs, () => {
      const tasks = time.pendingTasks.filter((task) => task.life === life);
      this.#world.expect(tasks.length === 0, `${tasks.length} tasks left after close`, this.name);
      this.#world.onClosed(this);
      this.#end();
      then();
    });
  }

  #end(): void {
    this.#life.end();
    this.#clientLife.end();
    this.#domain = undefined;
    this.#isClosing = false;
  }
}
