/**
 * Standstill: for how long this process was kept from running, as a timer sees it that comes late.
 * Whoever judges that somebody was taken for dead too early has to know who did look dead.
 */
const lookMs = 10;

export class Standstill {
  #lookedMs: number = performance.now();
  #longestMs = 0;
  readonly #timer: NodeJS.Timeout;

  /** It looks until `stop`, and keeps no process alive. */
  constructor() {
    this.#timer = setInterval(() => {
      this.#look();
    }, lookMs).unref();
  }

  /** The longest since this was asked last; too long by the time between two looks. */
  take(): number {
    this.#look();
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lookedMs);
    this.#lookedMs = nowMs;
  }
}
