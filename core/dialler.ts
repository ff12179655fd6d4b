/**
 * Dialler: when the dialling end tries again. Exponential back-off with jitter; the first retry
 * after an epoch comes at once; a refusal, which time alone seldom heals, retries at the slow end.
 */
import type { TimeLimits } from './api.js';
import type { Runtime } from './runtime.js';
import { WheelTimer, type TimerWheel } from './timer-wheel.js';

export class Dialler {
  readonly #runtime: Runtime;
  readonly #wheel: TimerWheel;
  readonly #limits: TimeLimits;
  readonly #timer: WheelTimer;
  #failures = 0;
  #connectedAtMs = -Infinity;

  /** `dial` starts one attempt; whoever learns that it failed calls `retry`. */
  constructor(runtime: Runtime, wheel: TimerWheel, limits: TimeLimits, dial: () => void) {
    this.#runtime = runtime;
    this.#wheel = wheel;
    this.#limits = limits;
    this.#timer = new WheelTimer(dial);
  }

  /** The first attempt, asynchronously. */
  start(): void {
    this.#wheel.arm(this.#timer, 0);
  }

  stop(): void {
    this.#wheel.disarm(this.#timer);
  }

  connected(): void {
    this.#connectedAtMs = this.#runtime.clock.now();
  }

  /** Plans the next attempt and answers its delay in milliseconds. */
  retry(isSlow: boolean): number {
    const { dialMinMs, dialMaxMs } = this.#limits;
    // An epoch that lived for less than a delay earns no fresh start, or two ends could spin.
    const livedMs = this.#runtime.clock.now() - this.#connectedAtMs;
    if (this.#wasConnected() && livedMs >= dialMinMs) this.#failures = 0;
    const ceiling = isSlow
      ? dialMaxMs
      : Math.min(dialMaxMs, dialMinMs * 2 ** Math.min(30, this.#failures - 1));
    const isFirst = this.#failures === 0 && !isSlow;
    const delayMs = isFirst ? 0 : ceiling * (0.5 + 0.5 * this.#runtime.prng.fraction());
    this.#failures++;
    this.#wheel.arm(this.#timer, delayMs);
    return delayMs;
  }

  /** True once for each `connected`. */
  #wasConnected(): boolean {
    const was = this.#connectedAtMs !== -Infinity;
    this.#connectedAtMs = -Infinity;
    return was;
  }
}
