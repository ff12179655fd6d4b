/**
 * A runtime on a virtual clock, for tests of single parts. Nothing happens until `advance` says so;
 * then everything due runs in order of its time, and in order of scheduling where times are equal.
 */
import type { CallTracker, Clock, Prng, Runtime, Scheduler, Timer } from '../../core/runtime.js';
import { createRandom } from '../compliance/random.js';

/** The date of virtual time 0. */
export const unixStartMs = 1_800_000_000_000;

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

export class VirtualRuntime implements Runtime {
  readonly clock: Clock = {
    now: () => this.#nowMs,
    unixMs: () => unixStartMs + this.#nowMs,
  };
  readonly scheduler: Scheduler = {
    soon: (task) => {
      this.#add(this.#nowMs, task);
    },
    next: (task) => {
      this.#add(this.#nowMs, task);
    },
    after: (delayMs, task) => this.#after(delayMs, task),
  };
  readonly prng: Prng;
  /** What `crash` was called with. */
  readonly crashes: Error[] = [];
  /** Calls of `after`, and how many of them ran out. */
  timersStarted = 0;
  timersFired = 0;
  #nowMs: number;
  readonly #tasks: Task[] = [];

  constructor(seed = 1, startMs = 0) {
    const random = createRandom(seed);
    this.#nowMs = startMs;
    this.prng = {
      fill: (target) => {
        for (let index = 0; index < target.length; index++) target[index] = random() & 0xff;
      },
      fraction: () => random() / 2 ** 32,
    };
  }

  get pendingCount(): number {
    return this.#tasks.length;
  }

  /** When the next task is due; Infinity if there is none. */
  get nextMs(): number {
    return this.#tasks[0]?.atMs ?? Infinity;
  }

  trackCalls<T>(): CallTracker<T> {
    return { run: (_mark, call) => call(), current: () => undefined, stop: () => undefined };
  }

  crash(error: Error): void {
    this.crashes.push(error);
  }

  /** Lets `durationMs` pass, and runs everything that falls due meanwhile at its time. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (let task = this.#tasks[0]; task !== undefined; task = this.#tasks[0]) {
      if (task.atMs > endMs) break;
      this.#tasks.shift();
      this.#nowMs = Math.max(this.#nowMs, task.atMs);
      task.run();
    }
    this.#nowMs = endMs;
  }

  /** Runs one task that is due now; false if there is none. */
  runOne(): boolean {
    const [task] = this.#tasks;
    if (task === undefined || task.atMs > this.#nowMs) return false;
    this.#tasks.shift();
    task.run();
    return true;
  }

  /** The event loop is stalled: time passes, and nothing runs. */
  stall(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  #after(delayMs: number, run: () => void): Timer {
    this.timersStarted++;
    const task = this.#add(this.#nowMs + Math.max(0, delayMs), () => {
      this.timersFired++;
      run();
    });
    return {
      cancel: () => {
        const index = this.#tasks.indexOf(task);
        if (index >= 0) this.#tasks.splice(index, 1);
      },
    };
  }

  #add(atMs: number, run: () => void): Task {
    const task = { atMs, run };
    let index = this.#tasks.length;
    while (index > 0 && (this.#tasks[index - 1]?.atMs ?? 0) > atMs) index--;
    this.#tasks.splice(index, 0, task);
    return task;
  }
}
