/**
 * Client: whoever uses an endpoint, by handlers, by observables, or both. They see the same
 * events; observers come first, since they look while a handler completes.
 */
import type { DisconnectEvent, EndpointHandlers, LifecycleEvent } from './api.js';
import { fail } from './assert.js';
import { reportHandlerThrew } from './client-call.js';
import type { Endpoint } from './endpoint.js';
import type { ErrorCode } from './errors.js';
import type { ReceivedMessage } from './message.js';
import { createEndpointStreams, type EndpointStreams } from './observables.js';
import type { ReceivedTransaction } from './received-transaction.js';
import type { Runtime } from './runtime.js';

/** The counts of a disconnect; see `DisconnectEvent`. */
export interface DisconnectCounts {
  readonly epoch: number;
  readonly reason: ErrorCode;
  readonly submittedThrough: number;
  readonly handledThrough: number;
  readonly neverFrom: number;
}

export class Client {
  readonly streams: EndpointStreams = createEndpointStreams();
  readonly #runtime: Runtime;
  readonly #handlers: EndpointHandlers;
  /** Set once the endpoint exists; received items and callbacks refer to it. */
  #endpoint: Endpoint | undefined = undefined;
  #isSilenced = false;

  constructor(runtime: Runtime, handlers: EndpointHandlers) {
    this.#runtime = runtime;
    this.#handlers = handlers;
  }

  get endpoint(): Endpoint {
    return this.#endpoint ?? fail('the endpoint is set right after its creation');
  }

  set endpoint(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Nothing is called any more: its drain was abandoned. Streams still say how it ended. */
  silence(): void {
    this.#isSilenced = true;
  }

  appear(): void {
    this.notify({ type: 'appear' });
    this.#tell('appear handler', () => this.#handlers.appear?.(this.endpoint));
  }

  connect(epoch: number): void {
    this.notify({ type: 'connect', epoch });
    this.#tell('connect handler', () => this.#handlers.connect?.(this.endpoint));
  }

  disappear(): void {
    this.notify({ type: 'disappear' });
    if (this.#isSilenced) return;
    this.#tell('disappear handler', () => this.#handlers.disappear?.(this.endpoint));
  }

  /** Answers what the client wants to be waited for; empty if it is drained already. */
  disconnect(counts: DisconnectCounts): PromiseLike<unknown>[] {
    const held: PromiseLike<unknown>[] = [];
    let isNotifying = true;
    const event: DisconnectEvent = {
      type: 'disconnect',
      ...counts,
      waitUntil: (work) => {
        if (!isNotifying) fail('waitUntil is for the notification only', 'BAD_ARGUMENT');
        held.push(work);
      },
    };
    this.notify(event);
    const answer = this.#call('disconnect handler', () =>
      this.#handlers.disconnect?.(this.endpoint, event),
    );
    if (isThenable(answer)) held.push(answer);
    isNotifying = false;
    return held;
  }

  /** Tells the observers of the lifecycle. */
  notify(event: LifecycleEvent): void {
    this.streams.lifecycle.emit(event);
  }

  /** HOT: false if nobody listens. */
  deliverMessage(message: ReceivedMessage): boolean {
    const isObserved = this.streams.messages.isObserved;
    if (isObserved) this.streams.messages.emit(message);
    const handler = this.#handlers.message;
    if (handler === undefined) return isObserved;
    try {
      this.#watch('message handler', handler(message, this.endpoint));
    } catch (thrown) {
      reportHandlerThrew(this.#runtime, 'message handler', thrown);
    }
    return true;
  }

  /** HOT: false if nobody listens. */
  deliverTransaction(transaction: ReceivedTransaction): boolean {
    const isObserved = this.streams.transactions.isObserved;
    if (isObserved) this.streams.transactions.emit(transaction);
    const handler = this.#handlers.transaction;
    if (handler === undefined) return isObserved;
    try {
      this.#watch('transaction handler', handler(transaction, this.endpoint));
    } catch (thrown) {
      reportHandlerThrew(this.#runtime, 'transaction handler', thrown);
    }
    return true;
  }

  /** No event follows. */
  end(): void {
    this.streams.messages.complete();
    this.streams.transactions.complete();
    this.streams.lifecycle.complete();
  }

  #tell(what: string, callback: () => void | Promise<void>): void {
    this.#watch(what, this.#call(what, callback));
  }

  /** HOT: an asynchronous handler may throw later. */
  #watch(what: string, answer: unknown): void {
    if (answer === undefined || !isThenable(answer)) return;
    answer.then(undefined, (thrown: unknown) => {
      reportHandlerThrew(this.#runtime, what, thrown);
    });
  }

  #call<T>(what: string, callback: () => T): T | undefined {
    try {
      return callback();
    } catch (thrown) {
      reportHandlerThrew(this.#runtime, what, thrown);
      return undefined;
    }
  }
}

/** Plain JavaScript answers what it likes: a number of `push`, a promise of another library. */
function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  const isObject = typeof answer === 'object' && answer !== null;
  return isObject && 'then' in answer && typeof answer.then === 'function';
}
