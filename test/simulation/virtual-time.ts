/**
 * VirtualTime: one clock and one list of tasks for a whole world, and `drive`, which runs it.
 *
 * One step is one task. Time moves only between steps, to that of the next task, so nothing is ever
 * waited for. Between two steps every promise that can settle does; `drive` sees to it without a
 * turn of the real event loop.
 */
import type { CallTracker, Clock, Prng, Runtime, Scheduler, Timer } from '../../core/runtime.js';
import type { Life } from './life.js';
import type { Random } from './prng.js';
import { TaskHeap, TaskKind, type Task } from './task-heap.js';

/** What one turn of a domain's event loop takes; a domain that polls does not stop the clock. */
export const turnMs: number = 1 / 64;

/** The date at which every world begins. */
const unixStartMs = 1_800_000_000_000;

/** Points in time that a millisecond has. */
const gridPerMs = 1024;

/** No run needs as many; one that does goes round in circles. */
const stepsMax = 2_000_000;

/** Steps after which the real event loop gets a turn, so that signals and output are served. */
const stepsPerRealTurn = 2_000;

export class VirtualTime {
  #nowMs = 0;
  #stepCount = 0;
  #order = 0;
  #failure: Error | undefined = undefined;
  readonly #heap = new TaskHeap();
  /** Called after each step, once every promise that can settle has. */
  onStep: () => void = () => undefined;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Tasks run so far. */
  get stepCount(): number {
    return this.#stepCount;
  }

  /** The first thing that went wrong. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Tasks of living domains that are still to run. */
  get pendingTasks(): readonly Task[] {
    return this.#heap.tasks.filter((task) => task.run !== undefined && task.life.isAlive);
  }

  /** The run has failed; the first failure is the one that counts. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  /** Asks for `run` at `atMs`, unless `life` has ended by then. */
  schedule(life: Life, kind: TaskKind, atMs: number, run: () => void): Task {
    // On a grid of binary fractions sums are exact; a rounded one could be due just too early.
    const dueMs = Math.ceil(Math.max(atMs, this.#nowMs) * gridPerMs) / gridPerMs;
    const task: Task = { atMs: dueMs, kind, order: this.#order, life, run };
    this.#order += 1;
    if (life.isAlive) this.#heap.push(task);
    return task;
  }

  /** Runs the next task; false if there is none. Fails the run that does not come to an end. */
  step(): boolean {
    if (this.#stepCount >= stepsMax) throw new Error(`still busy after ${stepsMax} steps`);
    for (let task = this.#heap.pop(); task !== undefined; task = this.#heap.pop()) {
      if (task.run === undefined || !task.life.isAlive) continue;
      if (task.life.stoppedUntilMs > task.atMs) {
        task.atMs = task.life.stoppedUntilMs;
        this.#heap.push(task);
        continue;
      }
      this.#nowMs = task.atMs;
      this.#stepCount += 1;
      const { run } = task;
      task.run = undefined;
      run();
      return true;
    }
    return false;
  }

  /** The runtime of a domain that lives `life`. */
  runtimeOf(life: Life, random: Random): Runtime {
    return new VirtualRuntime(this, life, random);
  }
}

/** What a domain gets for a platform. */
class VirtualRuntime implements Runtime {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly #time: VirtualTime;
  readonly #life: Life;

  constructor(time: VirtualTime, life: Life, random: Random) {
    this.#time = time;
    this.#life = life;
    this.prng = random;
    this.clock = { now: () => time.nowMs, unixMs: () => unixStartMs + time.nowMs };
    this.scheduler = {
      soon: (task) => {
        time.schedule(life, TaskKind.Soon, time.nowMs + turnMs, task);
      },
      next: (task) => {
        time.schedule(life, TaskKind.Next, time.nowMs, task);
      },
      after: (delayMs, task) => this.#after(delayMs, task),
    };
  }

  /** Nothing is tracked: following calls would cost more than all the rest. */
  trackCalls<T>(): CallTracker<T> {
    return { run: (_mark, call) => call(), current: () => undefined, stop: () => undefined };
  }

  crash(error: Error): void {
    this.#time.fail(error);
  }

  #after(delayMs: number, run: () => void): Timer {
    const atMs = this.#time.nowMs + Math.max(0, delayMs);
    const task = this.#time.schedule(this.#life, TaskKind.After, atMs, run);
    return {
      cancel: () => {
        task.run = undefined;
      },
    };
  }
}

/**
 * Steps until `isDone` holds or no task is left; rejects with the first failure. `isDone` is asked
 * between steps, when every promise that could settle has.
 *
 * A step runs as a tick. The microtask after it asks for the next tick, which Node runs only when
 * no microtask is left: a full drain for the price of one microtask.
 */
export function drive(time: VirtualTime, isDone: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let stepsLeft = stepsPerRealTurn;
    const tick = (): void => {
      try {
        time.onStep();
        if (time.failure !== undefined) throw time.failure;
        if (isDone() || !time.step()) {
          resolve();
          return;
        }
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      stepsLeft -= 1;
      if (stepsLeft > 0) {
        queueMicrotask(askForTick);
      } else {
        stepsLeft = stepsPerRealTurn;
        setImmediate(tick);
      }
    };
    const askForTick = (): void => {
      process.nextTick(tick);
    };
    askForTick();
  });
}
