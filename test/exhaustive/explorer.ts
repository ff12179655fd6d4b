/**
 * explore: tries every sequence of choices up to a depth, depth first, each from the start of a
 * world; a world cannot be copied, so a sequence is run again for each of its ends.
 *
 * A choice changes one domain only, and each domain is deterministic. So two sequences in which the
 * same things happen to A in the same order, and the same to B, lead to the same state, whichever
 * took its turn first: one of them is enough. That is exact; nothing is hashed. States are told
 * apart by what led to them, so their number is an upper bound.
 */
import { setImmediate } from 'node:timers/promises';
import { parseChoices, sideOf, type Choice } from './choice.js';
import { noCoverage, type Coverage } from './coverage.js';
import { endFairly } from './fair-ending.js';
import { FrameRoom, Side } from './step-link.js';
import { World } from './world.js';

export interface Setting {
  readonly name: string;
  readonly provesIdentity: boolean;
  readonly hasWork: boolean;
  /** What has happened before the exploration begins, in words. */
  readonly start: string;
  /** How many choices follow. */
  readonly depth: number;
  /** How many of them may be faults, or let time pass while something is on its way. */
  readonly faultsMax: number;
}

export interface Failure {
  readonly setting: Setting;
  readonly path: readonly number[];
  readonly breach: string;
}

export interface Result {
  readonly setting: Setting;
  readonly runCount: number;
  readonly stateCount: number;
  readonly stepCount: number;
  readonly endingCount: number;
  readonly coverage: Coverage;
  readonly tookMs: number;
  readonly failure: Failure | undefined;
}

/** Endings between two looks at whether their promises have settled. */
const endingsPerLook = 32;

/** Where the exploration stands: a state, and what has not been tried from there. */
interface Place {
  readonly choices: readonly Choice[];
  next: number;
  /** Names for everything that happened to each of the two domains. */
  readonly histories: readonly [number, number];
  readonly faults: number;
}

/** Gives a number to each sequence of choices that happened to one domain. */
class Histories {
  readonly #byStep = new Map<number, number>();

  after(history: number, code: number): number {
    const step = history * 4096 + code;
    const known = this.#byStep.get(step);
    if (known !== undefined) return known;
    const fresh = this.#byStep.size + 1;
    this.#byStep.set(step, fresh);
    return fresh;
  }
}

/** The states that were seen, by the number of faults on the way. */
class Seen {
  readonly #byFaults: Set<number>[] = [];

  get count(): number {
    return this.#byFaults.reduce((sum, states) => sum + states.size, 0);
  }

  /** False if it was seen with as few faults before: then nothing new follows. */
  add(histories: readonly [number, number], faults: number): boolean {
    const state = histories[0] * 2 ** 26 + histories[1];
    for (let fewer = 0; fewer <= faults; fewer++) {
      if (this.#byFaults[fewer]?.has(state) === true) return false;
    }
    while (this.#byFaults.length <= faults) this.#byFaults.push(new Set());
    this.#byFaults[faults]?.add(state);
    return true;
  }
}

export class Explorer {
  readonly #setting: Setting;
  readonly #coverage: Coverage = noCoverage();
  readonly #room = new FrameRoom();
  readonly #start: readonly number[];
  readonly #histories = new Histories();
  readonly #seen = new Seen();
  readonly #path: number[] = [];
  /** Undefined when the path has been shortened since. */
  #world: World | undefined = undefined;
  #runCount = 0;
  #stepCount = 0;
  #endingCount = 0;
  #failure: Failure | undefined = undefined;
  #unsettled = new Set<readonly number[]>();

  constructor(setting: Setting) {
    this.#setting = setting;
    this.#start = parseChoices(setting.start);
  }

  async explore(): Promise<Result> {
    const startMs = performance.now();
    const places: Place[] = [this.#place([0, 0], 0)];
    while (this.#failure === undefined) {
      const place = places.at(-1);
      if (place === undefined) break;
      const next = this.#step(place);
      if (next !== undefined) {
        places.push(next);
      } else if (place.next >= place.choices.length) {
        places.pop();
        this.#path.pop();
        this.#world = undefined;
      }
      if (this.#unsettled.size >= endingsPerLook) await this.#look();
    }
    await this.#look();
    return {
      setting: this.#setting,
      runCount: this.#runCount,
      stateCount: this.#seen.count,
      stepCount: this.#stepCount,
      endingCount: this.#endingCount,
      coverage: this.#coverage,
      tookMs: performance.now() - startMs,
      failure: this.#failure,
    };
  }

  /** Tries the next choice of `place`; answers the place that it leads to, if it goes on there. */
  #step(place: Place): Place | undefined {
    const choice = place.choices[place.next++];
    if (choice === undefined) return undefined;
    const faults = place.faults + choice.cost;
    if (faults > this.#setting.faultsMax) return undefined;
    const [a, b] = place.histories;
    const isA = sideOf(choice.code) === Side.Dialler;
    const histories: [number, number] = isA
      ? [this.#histories.after(a, choice.code), b]
      : [a, this.#histories.after(b, choice.code)];
    if (!this.#seen.add(histories, faults)) return undefined;
    this.#path.push(choice.code);
    if (this.#perform() && this.#path.length < this.#setting.depth) {
      return this.#place(histories, faults);
    }
    if (this.#failure === undefined) this.#end();
    this.#path.pop();
    this.#world = undefined;
    return undefined;
  }

  #place(histories: readonly [number, number], faults: number): Place {
    this.#world ??= this.#replay();
    return { choices: this.#world.choices(), next: 0, histories, faults };
  }

  /** Performs the last choice of the path, after all others if need be. */
  #perform(): boolean {
    const world = this.#world;
    if (world === undefined) this.#world = this.#replay();
    else this.#try(world, () => this.#performOne(world, this.#path.at(-1) ?? 0));
    return this.#failure === undefined;
  }

  #replay(): World {
    const { provesIdentity, hasWork } = this.#setting;
    const world = new World({
      provesIdentity,
      hasWork,
      room: this.#room,
      coverage: this.#coverage,
    });
    this.#runCount++;
    this.#try(world, () => {
      for (const code of this.#start) this.#performOne(world, code);
      for (const code of this.#path) this.#performOne(world, code);
    });
    return world;
  }

  #performOne(world: World, code: number): void {
    this.#stepCount++;
    world.perform(code);
  }

  /** Faults stop: see `endFairly`. */
  #end(): void {
    const world = this.#world;
    if (world === undefined) return;
    this.#endingCount++;
    const path = [...this.#path];
    this.#try(world, () => {
      this.#unsettled.add(path);
      void endFairly(world).then(() => this.#unsettled.delete(path));
    });
  }

  /** Everything has been closed, so every promise of it has settled after a turn of the loop. */
  async #look(): Promise<void> {
    await setImmediate();
    for (const path of this.#unsettled) this.#fail(path, 'close() of a domain has not settled');
  }

  #try(world: World, body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#fail([...this.#path], error instanceof Error ? (error.stack ?? '') : String(error));
    }
    const { breach } = world.judge;
    if (breach !== undefined) this.#fail([...this.#path], breach);
  }

  #fail(path: readonly number[], breach: string): void {
    this.#failure ??= { setting: this.#setting, path, breach };
  }
}
