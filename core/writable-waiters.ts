/**
 * WritableWaiters: who waits for room to submit, and who waits for messages to be completed.
 *
 * Each kind is served in order and rejected when the epoch ends. A served waiter has room at that
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
  /** One queue of each kind: who waits for a slot does not hold up who waits for a credit. */
  readonly #messages: Waiter<WritableRequest>[] = [];
  readonly #transactions: Waiter<WritableRequest>[] = [];
  /** Both, the one that was not served last in front. */
  readonly #queues = [this.#messages, this.#transactions];
  /** `request` is the ordinal of the message that has to be completed. */
  readonly #flushed: Waiter<number>[] = [];
  #servingAgain = false;

  constructor(runtime: Runtime, isWritable: (request: WritableRequest) => boolean) {
    this.#runtime = runtime;
    this.#isWritable = isWritable;
  }

  get count(): number {
    return this.#messages.length + this.#transactions.length + this.#flushed.length;
  }

  /** Resolves when `request` can be submitted; at once if it can be and nobody is before it. */
  waitWritable(request: WritableRequest): Promise<void> {
    const queue = request.kind === 'message' ? this.#messages : this.#transactions;
    if (queue.length === 0 && this.#isWritable(request)) return Promise.resolve();
    return wait(queue, request);
  }

  /** Resolves when the message with `ordinal` and all before it are completed. */
  waitFlushed(ordinal: number, completedThrough: number): Promise<void> {
    if (isReached(ordinal, completedThrough)) return Promise.resolve();
    return wait(this.#flushed, ordinal);
  }

  /** There may be room: serves the first waiter, and the next ones after it had its turn. */
  serve(): void {
    if (this.#servingAgain) return;
    const queue = this.#queues.find(([first]) => first && this.#isWritable(first.request));
    if (queue === undefined) return;
    if (queue === this.#queues[0]) this.#queues.reverse();
    queue.shift()?.resolve();
    if (this.#queues.every((waiters) => waiters.length === 0)) return;
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
    const writable = [...this.#messages.splice(0), ...this.#transactions.splice(0)];
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
