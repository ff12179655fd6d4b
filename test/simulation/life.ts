/**
 * Life: one run of one simulated domain, from its start to its crash. Tasks belong to a life; after
 * a crash none of them runs any more, and while the domain is stopped they wait.
 */
export class Life {
  readonly name: string;
  #isAlive = true;
  #stoppedUntilMs = 0;
  /** How long it has been stopped in all; time limits are late by no more than that. */
  stoppedMs = 0;

  constructor(name: string) {
    this.name = name;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Until when it does nothing, as a process that got SIGSTOP or a blocked event loop. */
  get stoppedUntilMs(): number {
    return this.#stoppedUntilMs;
  }

  /** The power is cut: nothing of it runs again. */
  end(): void {
    this.#isAlive = false;
  }

  stop(nowMs: number, durationMs: number): void {
    const untilMs = Math.max(this.#stoppedUntilMs, nowMs + durationMs);
    this.stoppedMs += untilMs - Math.max(this.#stoppedUntilMs, nowMs);
    this.#stoppedUntilMs = untilMs;
  }
}
