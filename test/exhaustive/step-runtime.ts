/**
 * StepRuntime: the platform of one domain in an exhaustive exploration. Its clock stands still
 * until the explorer lets it run to the next deadline; what is scheduled for "soon" runs in
 * `settle`, so that one choice of the explorer is one indivisible step of the domain.
 */
import type { CallTracker, Clock, Prng, Runtime, Scheduler, Timer } from '../../core/contract.js';

interface Deadline {
  readonly atMs: number;
  readonly run: () => void;
}

/** More than any one step of a domain schedules; one that does goes round in circles. */
const tasksPerStepMax = 1000;

export class StepRuntime implements Runtime {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly #onCrash: (error: Error) => void;
  #nowMs = 0;
  #isAlive = true;
  readonly #next: (() => void)[] = [];
  readonly #soon: (() => void)[] = [];
  readonly #deadlines = new Set<Deadline>();

  /** `seed` makes what this domain draws differ from what every other one draws. */
  constructor(seed: number, onCrash: (error: Error) => void) {
    this.#onCrash = onCrash;
    this.clock = { now: () => this.#nowMs, unixMs: () => this.#nowMs };
    this.scheduler = {
      next: (task) => this.#next.push(task),
      soon: (task) => this.#soon.push(task),
      after: (delayMs, task) => this.#after(delayMs, task),
    };
    let drawn = seed << 16;
    this.prng = {
      fill: (target) => {
        const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
        target.fill(0);
        view.setUint32(target.byteLength - 4, ++drawn);
      },
      // The explorer chooses when a timer fires; how long it was armed for decides nothing more.
      fraction: () => 0.5,
    };
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** When the next timer is due; Infinity if none is armed. */
  get deadlineMs(): number {
    let earliestMs = Infinity;
    for (const { atMs } of this.#deadlines) earliestMs = Math.min(earliestMs, atMs);
    return earliestMs;
  }

  /** Runs whatever is due without any more time passing. */
  settle(): void {
    for (let count = 0; this.#isAlive; count++) {
      const task = this.#next.shift() ?? this.#soon.shift();
      if (task === undefined) return;
      if (count > tasksPerStepMax) throw new Error(`still busy after ${tasksPerStepMax} tasks`);
      task();
    }
  }

  /** Time passes, up to `untilMs` at most, and timers fire in order. */
  run(untilMs: number): void {
    for (let dueMs = this.deadlineMs; dueMs <= untilMs && this.#isAlive; dueMs = this.deadlineMs) {
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      for (const deadline of [...this.#deadlines]) {
        if (deadline.atMs > this.#nowMs || !this.#deadlines.delete(deadline)) continue;
        deadline.run();
        this.settle();
      }
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** The power is cut: nothing of it runs again. */
  end(): void {
    this.#isAlive = false;
    this.#next.length = 0;
    this.#soon.length = 0;
    this.#deadlines.clear();
  }

  /** Nothing is tracked: following calls would cost more than all the rest. */
  trackCalls<T>(): CallTracker<T> {
    return { run: (_mark, call) => call(), current: () => undefined, stop: () => undefined };
  }

  crash(error: Error): void {
    this.#onCrash(error);
  }

  #after(delayMs: number, run: () => void): Timer {
    const deadline = { atMs: this.#nowMs + Math.max(0, delayMs), run };
    if (this.#isAlive) this.#deadlines.add(deadline);
    return { cancel: () => this.#deadlines.delete(deadline) };
  }
}
