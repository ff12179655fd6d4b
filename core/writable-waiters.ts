/**
 * WritableWaiters: who waits for room to submit, and who waits for messages to be completed.
 *
 * Both are served in order and rejected when the epoch ends. A served waiter has room at that
 * moment; the next one is looked at only after the served one had its chance to submit.
 */
import type { WritableRequest } from './api.js';
import { IdcError, type ErrorCode } from './errors.js';
import { sequenceMask } from './frame.js';
import type { Runtime } from './runtime.js';

interface Waiter<T> {
  readonly request: T;
  readonly resolve: () => void;
  readonly reject: (error: IdcError) => void;
}

export class WritableWaiters {
  readonly #runtime: Runtime;
  readonly #isWritable: (request: WritableRequest) => boolean;
  readonly #writable: Waiter<WritableRequest>[] = [];
  /** `request` is the ordinal of the message that has to be completed. */
  readonly #flushed: Waiter<number>[] = [];
  #servingAgain = false;

  constructor(runtime: Runtime, isWritable: (request: WritableRequest) => boolean) {
    this.#runtime = runtime;
    this.#isWritable = isWritable;
  }

  get count(): number {
    return this.#writable.length + this.#flushed.length;
  }

  /** Resolves when `request` can be submitted; at once if it can be and nobody is before it. */
  waitWritable(request: WritableRequest): Promise<void> {
    if (this.#writable.length === 0 && this.#isWritable(request)) return Promise.resolve();
    return wait(this.#writable, request);
  }

  /** Resolves when the message with `ordinal` and all before it are completed. */
  waitFlushed(ordinal: number, completedThrough: number): Promise<void> {
    if (isReached(ordinal, completedThrough)) return Promise.resolve();
    return wait(this.#flushed, ordinal);
  }

  /** There may be room: serves the first waiter, and the next ones after it had its turn. */
  serve(): void {
    const first = this.#writable[0];
    if (first === undefined || this.#servingAgain || !this.#isWritable(first.request)) return;
    this.#writable.shift();
    first.resolve();
    if (this.#writable.length === 0) return;
    this.#servingAgain = true;
    this.#runtime.scheduler.soon(() => {
      this.#servingAgain = false;
      this.serve();
    });
  }

  /** Messages are completed through `ordinal`. */
  serveFlushed(completedThrough: number): void {
    for (let first = this.#flushed[0]; first !== undefined; first = this.#flushed[0]) {
      if (!isReached(first.request, completedThrough)) return;
      this.#flushed.shift();
      first.resolve();
    }
  }

  rejectAll(code: ErrorCode): void {
    const writable = this.#writable.splice(0);
    const flushed = this.#flushed.splice(0);
    for (const waiter of writable) waiter.reject(new IdcError(code, 'never'));
    for (const waiter of flushed) waiter.reject(new IdcError(code, 'maybe'));
  }
}

function wait<T>(waiters: Waiter<T>[], request: T): Promise<void> {
  return new Promise((resolve, reject) => {
    waiters.push({ request, resolve, reject });
  });
}

/** Ordinals wrap at 31 bits; at most 65,536 of them are outstanding. */
function isReached(ordinal: number, completedThrough: number): boolean {
  return ((completedThrough - ordinal) & sequenceMask) < 0x4000_0000;
}
