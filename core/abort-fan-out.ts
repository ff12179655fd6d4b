/**
 * AbortFanOut: many transactions on one AbortSignal with one listener, since the platform warns of
 * a leak at the eleventh. A signal is forgotten with its last transaction.
 */
export class AbortFanOut {
  readonly #listeners = new Map<AbortSignal, Set<() => void>>();
  readonly #onAbort = (event: Event): void => {
    // reason: added to nothing but signals
    const signal = event.target as AbortSignal;
    const callbacks = this.#listeners.get(signal);
    this.#listeners.delete(signal);
    for (const callback of callbacks ?? []) callback();
  };

  /** Calls `onAbort` when the signal fires, unless the answered function was called before. */
  add(signal: AbortSignal, onAbort: () => void): () => void {
    let callbacks = this.#listeners.get(signal);
    if (callbacks === undefined) {
      callbacks = new Set();
      this.#listeners.set(signal, callbacks);
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    callbacks.add(onAbort);
    const own = callbacks;
    return () => {
      own.delete(onAbort);
      if (own.size > 0 || this.#listeners.get(signal) !== own) return;
      this.#listeners.delete(signal);
      signal.removeEventListener('abort', this.#onAbort);
    };
  }
}
