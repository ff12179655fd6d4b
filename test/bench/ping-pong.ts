/**
 * PingPong: round trips over anything that sends one item and calls back at its answer. The next
 * item is sent inside that call, as a client in a hurry would.
 */
import type { Durations } from './durations.js';
import type { Payloads } from './payloads.js';

export class PingPong {
  readonly #send: (body: Uint8Array) => void;
  #onAnswer: () => void = expectNothing;

  constructor(send: (body: Uint8Array) => void) {
    this.#send = send;
  }

  /** To be called at each answer. */
  answered(): void {
    this.#onAnswer();
  }

  nextAnswer(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = resolve;
    });
  }

  roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      let startMs = performance.now();
      const endMs = startMs + durationMs;
      this.#onAnswer = () => {
        const nowMs = performance.now();
        durations.add(nowMs - startMs);
        if (nowMs >= endMs) {
          resolve();
          return;
        }
        startMs = nowMs;
        this.#send(payloads.next());
      };
      this.#send(payloads.next());
    });
  }
}

function expectNothing(): never {
  throw new Error('an answer came that nobody waits for');
}
