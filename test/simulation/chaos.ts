/** Chaos: brings one fault after another over a world, of the kinds that its plan allows. */
import type { Crowd } from './crowd.js';
import { detour } from './detour.js';
import type { FaultKind, Plan } from './plan.js';
import type { Place } from './place.js';
import type { Random } from './prng.js';
import type { World } from './world.js';

type Strike = (chaos: Chaos) => void;

/** Faults that strike at points in time; the others are in the weather or in the clients. */
const strikes: Partial<Record<FaultKind, Strike>> = {
  clog: (chaos) => {
    chaos.clog();
  },
  sever: (chaos) => {
    chaos.sever(chaos.random.between(0, 5));
  },
  lateSever: (chaos) => {
    chaos.sever(chaos.random.pick([50, 900, 9_000]));
  },
  flap: (chaos) => {
    chaos.flap(chaos.random.between(3, 8));
  },
  crash: (chaos) => {
    chaos.crash();
  },
  stop: (chaos) => {
    chaos.drawPlace()?.stop(chaos.random.pick([5, 80, 700, 9_000]));
  },
  restart: (chaos) => {
    chaos.restart();
  },
  detour: (chaos) => {
    chaos.detour();
  },
  recreate: (chaos) => {
    chaos.crowd.recreateEndpoint(chaos.random);
  },
  relisten: (chaos) => {
    chaos.crowd.reopenListener(chaos.random);
  },
};

export class Chaos {
  readonly crowd: Crowd;
  readonly random: Random;
  readonly #world: World;
  readonly #plan: Plan;
  readonly #kinds: readonly FaultKind[];

  constructor(world: World, plan: Plan, crowd: Crowd) {
    this.#world = world;
    this.#plan = plan;
    this.crowd = crowd;
    this.random = plan.random.fork('chaos');
    this.#kinds = [...plan.faults].filter((kind) => strikes[kind] !== undefined);
  }

  /** Strikes again and again, until the world has healed. */
  start(): void {
    if (this.#kinds.length === 0) return;
    const [least, most] = this.#plan.faultGapMs;
    this.#world.after(least + (most - least) * this.random.fraction(), () => {
      if (!this.#world.isFaulty) return;
      strikes[this.random.pick(this.#kinds)]?.(this);
      this.start();
    });
  }

  /** The last fault: a crash that the others find out by their keep-alive, or not at all. */
  finish(): void {
    if (!this.#plan.faults.has('crash')) return;
    const place = this.drawPlace();
    place?.crash({ learnMs: Infinity });
    place?.start();
  }

  drawPlace(): Place | undefined {
    const places = this.#world.places.filter((place) => place.isUp);
    return places.length === 0 ? undefined : this.random.pick(places);
  }

  clog(): void {
    const [one, other] = this.#drawPath();
    const untilMs = this.#world.nowMs + this.random.pick([20, 300, 2_500, 9_000]);
    const isBoth = this.random.chance(0.5);
    this.#world.network.clog(one, other, untilMs);
    if (isBoth) this.#world.network.clog(other, one, untilMs);
  }

  /** Cuts the links between two domains, or all; one end learns it `lateMs` after the other. */
  sever(lateMs: number): void {
    const [one, other] = this.#drawPath();
    const isAll = this.random.chance(0.2);
    const isFirstLate = this.random.chance(0.5);
    this.#world.network.sever(
      (link) => isAll || (link.setting.host === one && link.peer?.setting.host === other),
      isFirstLate ? lateMs : 0,
      isFirstLate ? 0 : lateMs,
    );
  }

  detour(): void {
    detour(this.#world, this.random, this.#world.network.links);
  }

  flap(count: number): void {
    this.sever(this.random.between(0, 3));
    if (count === 0) return;
    this.#world.after(this.random.between(1, 60), () => {
      if (this.#world.isFaulty) this.flap(count - 1);
    });
  }

  crash(): void {
    const place = this.drawPlace();
    if (place === undefined) return;
    place.crash({
      learnMs: this.random.pick([0, 1, 30, 2_000, Infinity]),
      holdMs: this.#plan.faults.has('listens') ? this.random.pick([0, 500, 3_000]) : 0,
      isDark: this.random.chance(0.3),
    });
    this.#startLater(place);
  }

  restart(): void {
    const place = this.drawPlace();
    place?.close(() => {
      this.#startLater(place);
    });
  }

  #startLater(place: Place): void {
    const downMs = this.random.pick([0, 1, 50, 1_000, 6_000]);
    this.#world.after(downMs, () => {
      place.start();
    });
  }

  #drawPath(): [string, string] {
    const [from, to] = this.#plan.dials.length > 0 ? this.random.pick(this.#plan.dials) : [0, 0];
    const names: [string, string] = [`d${from}`, `d${to}`];
    return this.random.chance(0.5) ? names : [names[1], names[0]];
  }
}
