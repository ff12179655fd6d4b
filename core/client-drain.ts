/**
 * ClientDrain: waits for what a client asked to be waited for when an epoch ended.
 *
 * It also sees to it that the client does not wait for the destruction that waits for this drain:
 * the calls of a disconnect handler are tracked through its continuations while it is pending.
 */
import { IdcAssertionError } from './assert.js';
import { reportHandlerThrew } from './client-call.js';
import type { CallTracker, Runtime } from './runtime.js';

export class ClientDrain {
  readonly #runtime: Runtime;
  readonly #onDone: () => void;
  #tracker: CallTracker<ClientDrain> | undefined = undefined;
  #heldCount = 0;
  /** Suspects during the notification: whether the handler waits shows when it returns. */
  #suspectCount = 0;
  #isDone = true;

  /** `onDone` follows each `start`, unless it was abandoned. */
  constructor(runtime: Runtime, onDone: () => void) {
    this.#runtime = runtime;
    this.#onDone = onDone;
  }

  /** True from `start` until everything that the client holds has settled. */
  get isPending(): boolean {
    return !this.#isDone;
  }

  /** Promises of the client that have not settled. */
  get heldCount(): number {
    return this.#isDone ? 0 : this.#heldCount;
  }

  /** Runs `notify`, which answers what to wait for. `forbidden` must not be among it. */
  start(
    notify: () => PromiseLike<unknown>[],
    forbidden: () => PromiseLike<unknown> | undefined,
  ): void {
    this.#isDone = false;
    this.#suspectCount = 0;
    this.#heldCount = 0;
    const tracker = this.#runtime.trackCalls<ClientDrain>();
    this.#tracker = tracker;
    const held = tracker.run(this, notify);
    this.#heldCount = held.length;
    if (held.length === 0) {
      this.#finish();
    } else if (this.#suspectCount > 0 || held.some((work) => work === forbidden())) {
      this.#crashAwaited();
    } else {
      tracker.run(this, () => {
        for (const work of held) this.#hold(work);
      });
    }
  }

  /** Waits no longer. */
  abandon(): void {
    this.#isDone = true;
    this.#stopTracking();
  }

  /** Somebody began to wait for the destruction; a handler that this drain waits for must not. */
  checkNotAwaited(): void {
    if (this.#tracker?.current() !== this) return;
    if (this.#heldCount > 0) this.#crashAwaited();
    else this.#suspectCount++;
  }

  #hold(work: PromiseLike<unknown>): void {
    const release = (): void => {
      this.#heldCount--;
      if (this.#heldCount === 0 && !this.#isDone) this.#finish();
    };
    work.then(release, (thrown: unknown) => {
      reportHandlerThrew(this.#runtime, 'disconnect handler', thrown);
      release();
    });
  }

  #finish(): void {
    this.#isDone = true;
    this.#stopTracking();
    this.#onDone();
  }

  #stopTracking(): void {
    this.#tracker?.stop();
    this.#tracker = undefined;
  }

  #crashAwaited(): void {
    this.#runtime.crash(
      new IdcAssertionError(
        'DESTROY_AWAITED_IN_DISCONNECT',
        'destroy() waits for the disconnect handler, so that handler must not wait for it',
      ),
    );
  }
}
