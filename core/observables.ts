/**
 * The RxJS surface: hot streams that never error, never replay, and complete with their owner.
 *
 * This is the only core file that imports rxjs; inside core, everything is plain calls.
 */
import { Observable, Subject } from 'rxjs';

import type { LifecycleEvent, ListenerEvent } from './api.js';
import type { ReceivedMessage } from './message.js';
import type { ReceivedTransaction } from './received-transaction.js';

export type { Observable } from 'rxjs';

/** A stream's two ends: `observable` for clients, the rest for its owner. */
export interface Stream<T> {
  readonly observable: Observable<T>;
  /** True while somebody listens. */
  readonly isObserved: boolean;
  emit(value: T): void;
  complete(): void;
}

class SubjectStream<T> implements Stream<T> {
  readonly observable: Observable<T>;
  readonly #subject = new Subject<T>();

  constructor() {
    this.observable = this.#subject.asObservable();
  }

  get isObserved(): boolean {
    return this.#subject.observed;
  }

  emit(value: T): void {
    this.#subject.next(value);
  }

  complete(): void {
    this.#subject.complete();
  }
}

/** The streams of one endpoint. */
export interface EndpointStreams {
  readonly lifecycle: Stream<LifecycleEvent>;
  readonly messages: Stream<ReceivedMessage>;
  readonly transactions: Stream<ReceivedTransaction>;
}

export function createEndpointStreams(): EndpointStreams {
  return {
    lifecycle: new SubjectStream<LifecycleEvent>(),
    messages: new SubjectStream<ReceivedMessage>(),
    transactions: new SubjectStream<ReceivedTransaction>(),
  };
}

export function createListenerStream(): Stream<ListenerEvent> {
  return new SubjectStream<ListenerEvent>();
}

/** A cold observable of one value; unsubscribing aborts the work behind it. */
export function fromPromiseFactory<T>(start: (signal: AbortSignal) => Promise<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const abort = new AbortController();
    start(abort.signal).then(
      (value) => {
        subscriber.next(value);
        subscriber.complete();
      },
      (error: unknown) => {
        subscriber.error(error);
      },
    );
    return () => {
      abort.abort();
    };
  });
}
