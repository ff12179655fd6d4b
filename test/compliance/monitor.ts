/**
 * Monitor: watches every call between the suite and a transport, in every test.
 *
 * A breach is noted, not thrown: it is found deep inside a poll, and an exception there would meet
 * code of the transport that is not meant to handle it. `check` throws at the next wait.
 */
import assert from 'node:assert/strict';

export class Monitor {
  /** Grows with whatever a transport tells; a test is quiet when it has stopped growing. */
  eventCount = 0;
  readonly #breaches: unknown[] = [];
  #currentCall: string | undefined = undefined;

  /** Runs a call of the transport's interface; nobody may be told anything before it returns. */
  call<T>(name: string, body: () => T): T {
    const outerCall = this.#currentCall;
    this.#currentCall = name;
    try {
      return body();
    } finally {
      this.#currentCall = outerCall;
    }
  }

  /** Runs what the transport calls; in there, calls of the transport are legal again. */
  told(who: string, event: string, body: () => void): void {
    this.eventCount += 1;
    const call = this.#currentCall;
    this.expect(call === undefined, `L5 ${who}: ${event} was told inside ${call ?? ''}`);
    body();
  }

  expect(holds: boolean, breach: string): void {
    if (!holds) this.#breaches.push(new Error(breach));
  }

  /** Something was thrown where nothing may be. */
  breach(error: unknown): void {
    this.#breaches.push(error);
  }

  /** Throws the first breach, if there was one. */
  check(): void {
    if (this.#breaches.length > 0) throw this.#breaches[0];
    assert.equal(this.#currentCall, undefined);
  }
}
