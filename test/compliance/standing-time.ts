/**
 * StandingTime: a real runtime whose clock stands still while a test wants it to. No time limit
 * runs out meanwhile, however long the machine takes, so that what a limit is to find is there
 * before it passes; scheduling and I/O go on.
 */
import { createRuntime, type Runtime } from '../../core/runtime.js';

export class StandingTime {
  readonly runtime: Runtime;
  readonly #real: Runtime = createRuntime();
  /** For how long it has stood so far. */
  #stoodMs = 0;
  #standsSinceMs: number | undefined = undefined;

  constructor() {
    const clock = { now: () => this.#now(), unixMs: () => this.#real.clock.unixMs() };
    this.runtime = { ...this.#real, clock };
  }

  stop(): void {
    this.#standsSinceMs ??= this.#real.clock.now();
  }

  /** It goes on from where it stood. */
  goOn(): void {
    if (this.#standsSinceMs === undefined) return;
    this.#stoodMs += this.#real.clock.now() - this.#standsSinceMs;
    this.#standsSinceMs = undefined;
  }

  #now(): number {
    return (this.#standsSinceMs ?? this.#real.clock.now()) - this.#stoodMs;
  }
}
