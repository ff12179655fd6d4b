/**
 * Runtime: the only way in which time, scheduling and randomness reach the core and the transports.
 *
 * A domain is handed one runtime and passes it on; replacing it puts the whole stack on a virtual
 * clock and a seed. This is the only core file that may touch the platform, but for `digest.ts`,
 * which merely computes. A runtime holds no state but its own, so two of them in one process know
 * nothing of each other.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { randomFillSync } from 'node:crypto';
// By the global of this name, which is a getter, reading the clock takes a third longer.
import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Milliseconds since an arbitrary start, with a fraction; never goes back. */
  now(): number;
  /** Unix time in milliseconds, by the wall clock: it may be set, so it is for dates alone. */
  unixMs(): number;
}

/** A pending `after`. */
export interface Timer {
  /** Idempotent; after it the task is not run. */
  cancel(): void;
}

/** What is scheduled inside a tracked call is not part of that call: others share its turn. */
export interface Scheduler {
  /** Runs `task` once the caller and everything already due have returned; I/O goes on between. */
  soon(task: () => void): void;
  /** Runs `task` right after the caller has returned, before any I/O. */
  next(task: () => void): void;
  /** Runs `task` once, `delayMs` from now or a little later. */
  after(delayMs: number, task: () => void): Timer;
}

/** Unpredictable in production, since tokens are drawn from it; seeded in simulation. */
export interface Prng {
  /** Fills `target` with random bytes. */
  fill(target: Uint8Array): void;
  /** A number in [0, 1). */
  fraction(): number;
}

/** Follows one call through its asynchronous continuations. */
export interface CallTracker<T> {
  /** Runs `call`; `current()` answers `mark` in it and in everything that it awaits. */
  run<R>(mark: T, call: () => R): R;
  current(): T | undefined;
  /** Ends the tracking, so that nothing is paid for it while nobody needs it. */
  stop(): void;
}

export interface Runtime {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  /** A tracker of its own; it costs nothing until `run`. */
  trackCalls<T>(): CallTracker<T>;
  /** Reports a programmer error as uncaught. The process is meant to end; nobody may catch it. */
  crash(error: Error): void;
}

class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  unixMs(): number {
    return Date.now();
  }
}

class SystemScheduler implements Scheduler {
  /** Tracked calls are not followed into what is scheduled from here. */
  readonly #outside = new AsyncResource('IdcScheduler');

  soon(task: () => void): void {
    this.#outside.runInAsyncScope(setImmediate, undefined, task);
  }

  next(task: () => void): void {
    this.#outside.runInAsyncScope(queueMicrotask, undefined, task);
  }

  after(delayMs: number, task: () => void): Timer {
    const waitMs = Math.max(0, Math.ceil(delayMs));
    const timer = this.#outside.runInAsyncScope(setTimeout, undefined, task, waitMs);
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  }
}

class SystemPrng implements Prng {
  readonly #word = new Uint32Array(1);

  fill(target: Uint8Array): void {
    randomFillSync(target);
  }

  fraction(): number {
    randomFillSync(this.#word);
    return (this.#word[0] ?? 0) / 2 ** 32;
  }
}

class SystemCallTracker<T> implements CallTracker<T> {
  readonly #storage = new AsyncLocalStorage<T>();

  run<R>(mark: T, call: () => R): R {
    return this.#storage.run(mark, call);
  }

  current(): T | undefined {
    return this.#storage.getStore();
  }

  stop(): void {
    this.#storage.disable();
  }
}

/** The real runtime: this process's clock, event loop and random source. */
export function createRuntime(): Runtime {
  return {
    clock: new SystemClock(),
    scheduler: new SystemScheduler(),
    prng: new SystemPrng(),
    trackCalls: <T>() => new SystemCallTracker<T>(),
    crash: (error) => {
      queueMicrotask(() => {
        throw error;
      });
    },
  };
}
