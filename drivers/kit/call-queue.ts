/**
 * CallQueue: the calls that wait, in the order in which they were made. What comes back to be
 * submitted again takes the place that it had, before everything newer.
 */
import type { Call } from './call.js';

export class CallQueue {
  readonly #calls: Call[] = [];

  get length(): number {
    return this.#calls.length;
  }

  get first(): Call | undefined {
    return this.#calls[0];
  }

  get all(): readonly Call[] {
    return [...this.#calls];
  }

  /** Takes `call` to its place by its order; the newest one's place is found at once. */
  insert(call: Call): void {
    let index = this.#calls.length;
    while (index > 0 && (this.#calls[index - 1]?.order ?? 0) > call.order) index -= 1;
    this.#calls.splice(index, 0, call);
  }

  /** False if it does not wait here. */
  remove(call: Call): boolean {
    const index = this.#calls.indexOf(call);
    if (index >= 0) this.#calls.splice(index, 1);
    return index >= 0;
  }
}
