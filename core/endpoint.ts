/**
 * Endpoint: one end of one connection, as its client sees it. Its resources were allocated when it
 * was made; whatever happens to the peer arrives as events, in the order of the grammar
 * `( appear ( connect disconnect )* disappear )*`.
 *
 * The idea, the names and the guarantees of the four notifications are Harry Butterworth's
 * (xen-devel, 7 May 2005).
 */
import type {
  Bytes,
  Completion,
  DestroyOptions,
  LifecycleEvent,
  Peer,
  TransactionOptions,
  WritableRequest,
} from './api.js';
import { Refusal } from './api.js';
import { AbortFanOut } from './abort-fan-out.js';
import { assert } from './assert.js';
import type { EndpointCore } from './endpoint-core.js';
import type { EndpointState } from './endpoint-machine.js';
import { ErrorCode, IdcError, type Execution } from './errors.js';
import { explainEndpoint } from './explain.js';
import { drainMsOf } from './limits.js';
import type { ReceivedMessage } from './message.js';
import { fromPromiseFactory, type Observable } from './observables.js';
import type { Quota } from './quota.js';
import type { ReceivedTransaction } from './received-transaction.js';
import { settlePromise, type PromiseContext } from './settle-promise.js';
import type { Fault } from './transport.js';

/** Counters of one endpoint over all its epochs. A plain copy, taken at the call. */
export interface EndpointStatistics {
  readonly epochs: number;
  /** Epochs that only the peer saw open; see the handshake. */
  readonly halfEpochs: number;
  readonly messagesSubmitted: number;
  readonly messagesCompleted: number;
  /** Of the quota, in use now: submitted, and not completed by the peer's handler. */
  readonly messagesOutstanding: number;
  readonly messagesReceived: number;
  /** Received with nobody listening, and completed at once. */
  readonly messagesUnheard: number;
  readonly transactionsSubmitted: number;
  readonly transactionsSettled: number;
  /** Of the quota, in use now: those included that were given up while the peer holds them. */
  readonly transactionsOutstanding: number;
  readonly transactionsReceived: number;
  /** Received with nobody listening, and answered UNSUPPORTED. */
  readonly transactionsUnheard: number;
  /** Given up by their initiator while the handler ran. */
  readonly transactionsFlushed: number;
  /** Answered with more bytes than agreed. */
  readonly repliesTooLarge: number;
  /** Arrived after their transaction was given up; dropped. */
  readonly lateReplies: number;
  /** Submissions that were refused at once. */
  readonly refusals: number;
  /** How settled transactions ended. */
  readonly outcomes: Readonly<Record<Execution, number>>;
}

export class Endpoint {
  readonly #core: EndpointCore;
  readonly #aborts = new AbortFanOut();

  /** @internal Endpoints are made by `Domain.createEndpoint` and by listeners. */
  constructor(core: EndpointCore) {
    this.#core = core;
  }

  /** Tells it apart from other endpoints of its domain. */
  get name(): string {
    return this.#core.settings.name;
  }

  get state(): EndpointState {
    return this.#core.state;
  }

  /** Number of the current or last epoch; 0 before the first. */
  get epoch(): number {
    return this.#core.epoch;
  }

  /** The other end, once it was found; afterwards the last one found. */
  get peer(): Peer | undefined {
    return this.#core.peer;
  }

  /** What both ends agreed on for the current or last epoch; before the first, this side's. */
  get quota(): Quota {
    return this.#core.quota;
  }

  /** Why the last attempt or epoch ended. */
  get lastFault(): Fault | ErrorCode | undefined {
    return this.#core.lastFault;
  }

  get lifecycle$(): Observable<LifecycleEvent> {
    return this.#core.client.streams.lifecycle.observable;
  }

  get messages$(): Observable<ReceivedMessage> {
    return this.#core.client.streams.messages.observable;
  }

  get transactions$(): Observable<ReceivedTransaction> {
    return this.#core.client.streams.transactions.observable;
  }

  /**
   * HOT: submits one message. Answers its number (the count of requests of this epoch, modulo
   * 2^31) or a negative `Refusal`; never queues. The bytes are copied before it returns. The
   * message is complete when the peer's handler completed it.
   */
  submitMessage(body: Bytes): number {
    return this.#core.initiator.submitMessage(body);
  }

  /**
   * Resolves when a message or request of that size can be submitted. Callers are served in order.
   * Rejects with NOT_CONNECTED, TOO_LARGE, or DISCONNECTED when the epoch ends first.
   */
  whenWritable(request: WritableRequest): Promise<void> {
    return this.#core.initiator.whenWritable(request);
  }

  /** Resolves when the peer completed every message submitted so far; rejects at disconnect. */
  whenFlushed(): Promise<void> {
    return this.#core.initiator.whenFlushed();
  }

  /**
   * Submits a transaction; answers a private copy of the status bytes, or the filled part of
   * `into`. Rejects with `IdcError`: QUOTA, BACK_PRESSURED, TOO_LARGE and NOT_CONNECTED at once;
   * REMOTE, TIMEOUT, CANCELLED, DISCONNECTED, UNSUPPORTED later.
   */
  submitTransaction(parameters: Bytes, options: TransactionOptions = {}): Promise<Uint8Array> {
    const { signal, into, timeoutMs = this.#core.settings.limits.timeoutMs } = options;
    // Here, since what is thrown inside the promise would become its rejection.
    assert(timeoutMs >= 0, 'a time limit is a number from 0 on', 'BAD_ARGUMENT');
    if (signal?.aborted === true) return Promise.reject(makeError(ErrorCode.Cancelled));
    return new Promise((resolve, reject) => {
      const context: PromiseContext = { resolve, reject, into, onSettled: undefined };
      const ticket = this.transact(parameters, settlePromise, context, timeoutMs);
      if (ticket < 0) {
        reject(makeError(codeOfRefusal(ticket)));
      } else if (signal !== undefined) {
        context.onSettled = this.#aborts.add(signal, () => {
          this.cancel(ticket);
        });
      }
    });
  }

  /** The cold form: each subscription submits once; unsubscribing cancels. */
  transaction$(parameters: Bytes, options: TransactionOptions = {}): Observable<Uint8Array> {
    return fromPromiseFactory((signal) => {
      const given = options.signal;
      const either = given === undefined ? signal : AbortSignal.any([given, signal]);
      return this.submitTransaction(parameters, { ...options, signal: either });
    });
  }

  /**
   * HOT: submits a transaction without a promise. Answers a ticket, or a negative `Refusal`;
   * `completion` is called exactly once after a ticket, never before this returns.
   */
  transact<C>(
    parameters: Bytes,
    completion: Completion<C>,
    context: C,
    timeoutMs: number = this.#core.settings.limits.timeoutMs,
  ): number {
    return this.#core.initiator.transact(parameters, completion, context, timeoutMs);
  }

  /**
   * Gives a transaction up: it settles by a reply that was there first, or as CANCELLED by what the
   * peer's handler had seen. False if the ticket names no pending transaction.
   */
  cancel(ticket: number): boolean {
    return this.#core.initiator.transactions.cancel(ticket, ErrorCode.Cancelled);
  }

  /**
   * Gives the endpoint up. Resolves once it is disconnected and disappeared and its resources are
   * free. Needs nothing of the peer, and of this side's own client only up to `drainMs`. Legal in
   * a handler; a `disconnect` handler must not wait for it. Later calls answer the same promise.
   */
  destroy(options: DestroyOptions = {}): Promise<void> {
    return this.#core.destroy(drainMsOf(options, this.#core.settings.limits));
  }

  /**
   * Asks the peer's domain for a sign of life, without its client: answers how long that took, in
   * milliseconds. Rejects with NOT_CONNECTED, or with DISCONNECTED when the epoch ends first.
   */
  ping(): Promise<number> {
    if (this.#core.state !== 'connected') return Promise.reject(makeError(ErrorCode.NotConnected));
    return new Promise((resolve, reject) => {
      this.#core.ping((roundTripMs) => {
        if (roundTripMs !== undefined) resolve(roundTripMs);
        else reject(makeError(ErrorCode.Disconnected));
      });
    });
  }

  /** @internal A reference of the domain `ownerId` came from the peer of this endpoint. */
  learn(ownerId: string): void {
    this.#core.learn(ownerId);
  }

  /** @internal What belongs to the epoch beside its link broke the rules: the epoch ends. */
  fail(code: ErrorCode): void {
    this.#core.current?.fail(code);
  }

  statistics(): EndpointStatistics {
    const { initiator, responder } = this.#core;
    const isConnected = this.#core.state === 'connected';
    const { submitted, settled, lateReplies, outcomes } = initiator.transactions.statistics;
    return {
      epochs: this.#core.epochCount,
      halfEpochs: this.#core.halfEpochs,
      ...initiator.statistics,
      ...responder.statistics,
      messagesOutstanding: isConnected ? initiator.uncompletedMessages : 0,
      transactionsSubmitted: submitted,
      transactionsSettled: settled,
      transactionsOutstanding: isConnected ? initiator.transactions.occupiedCount : 0,
      lateReplies,
      outcomes: { ...outcomes },
    };
  }

  /** Says in words what it is doing and what it waits for. */
  explain(): string {
    return explainEndpoint(this.#core);
  }
}

function codeOfRefusal(refusal: number): ErrorCode {
  switch (refusal) {
    case Refusal.Quota:
      return ErrorCode.Quota;
    case Refusal.BackPressured:
      return ErrorCode.BackPressured;
    case Refusal.TooLarge:
      return ErrorCode.TooLarge;
    case Refusal.Destroyed:
      return ErrorCode.Destroyed;
    default:
      assert(refusal === Refusal.NotConnected, 'refusals are a closed set');
      return ErrorCode.NotConnected;
  }
}

function makeError(code: ErrorCode): IdcError {
  return new IdcError(code, 'never');
}
