/**
 * AttachedFrontEnd: one front end as its back end sees it. Greets it, reads and checks whatever it
 * sends, calls the handlers, and answers.
 *
 * Nothing that a front end sends makes it throw. A handler that throws what is not a
 * `DriverFailure` is a programmer error, as any handler of an endpoint that throws.
 */
import type { ReceivedMessage, ReceivedTransaction } from 'idc';
import type { Subject } from 'rxjs';
import { DriverFailure, kitFailures, type KitFailure } from './driver-error.js';
import type { ItemFault } from './event-inbox.js';
import type { EventOutbox } from './event-outbox.js';
import { agree, decodeGreeting, decodeNotice, encodeReply, kitNumber } from './greeting.js';
import type { Agreement, Greeting } from './greeting.js';
import { checkHandlers, listFeatures } from './handlers.js';
import { ItemReader, Scratch, type Values } from './item-codec.js';
import type { Layout, MessageLayout, TransactionLayout } from './layout.js';
import type { AnyProtocol } from './protocol.js';
import type { Admission } from './admission.js';
import type { ReadScope } from './scalar-codec.js';

/** A handler of any item, its types put aside. */
export type AnyHandler = (values: Values, context: Context<unknown>) => unknown;
export type AnyHandlers = Readonly<Record<string, AnyHandler | undefined>>;

/** What a handler gets beside the values. */
export interface Context<Peer> {
  readonly frontEnd: Peer;
  /** Fires when the front end gave the transaction up; an answer is still owed. */
  readonly signal: AbortSignal;
}

/** What all front ends of a back end share. */
export interface BackEndShare {
  readonly protocol: AnyProtocol;
  readonly faults: Subject<ItemFault>;
  readonly statusBytesMax: number;
}

/** Completes a request with the answer of its handler; the bytes are valid during the call. */
export type Conclude = (code: number, status: Uint8Array) => void | Promise<void>;

const noStatus = new Uint8Array(0);

export class AttachedFrontEnd {
  readonly outbox: EventOutbox;
  readonly #share: BackEndShare;
  readonly #admission: Admission;
  readonly #scratch: Scratch;
  readonly #reader = new ItemReader();
  #handlers: AnyHandlers = {};
  /** Of transactions, by number: a name would be looked up for each of them. */
  #handlerOf: readonly (AnyHandler | undefined)[] = [];
  #features: readonly string[] = [];
  #facade: unknown = undefined;
  #agreement: Agreement | undefined = undefined;
  #layout: Layout | undefined = undefined;
  #scope: ReadScope = { from: undefined, lends: true };

  constructor(share: BackEndShare, admission: Admission, outbox: EventOutbox) {
    this.#share = share;
    this.#admission = admission;
    this.outbox = outbox;
    this.#scratch = new Scratch(share.statusBytesMax);
  }

  /** Undefined while the ends have not agreed. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  /** `facade` is what its handlers know it as. Throws if one of them is not there. */
  attach(handlers: AnyHandlers, facade: unknown): void {
    const { protocol } = this.#share;
    checkHandlers(protocol, handlers);
    this.#handlers = handlers;
    this.#features = listFeatures(protocol, handlers);
    this.#handlerOf = [undefined, ...protocol.transactions.map(({ name }) => handlers[name])];
    this.#facade = facade;
  }

  disconnected(): void {
    this.outbox.interrupt();
    this.#agreement = undefined;
    this.#layout = undefined;
    this.#reader.forget();
    this.#admission.disconnected();
  }

  /** HOT: a transaction of the front end. The promise rejects with what a handler throws. */
  handle(request: ReceivedTransaction): void | Promise<void> {
    const { bytes, offset, byteLength } = request;
    const number = byteLength > 0 ? bytes[offset] : undefined;
    if (number === kitNumber) {
      this.#greet(request);
      return undefined;
    }
    const layout = this.#layout;
    if (layout === undefined) {
      this.refuse(request, 'NOT_AGREED');
      return undefined;
    }
    const item = layout.transactions[number ?? kitNumber];
    if (item === undefined || !this.#isSpoken(item.item)) {
      this.refuse(request, 'UNKNOWN_ITEM');
      return undefined;
    }
    this.#reader.begin(bytes, offset + 1, byteLength - 1);
    const place = this.#admission.readHead(this.#reader, item.item.effect);
    const values = place && this.#reader.takeFields(item.parameters, this.#scope);
    if (place === undefined || values === undefined) {
      this.#share.faults.next({ item: item.item.name, byteLength });
      this.refuse(request, 'BAD_PARAMETERS');
      return undefined;
    }
    return this.#admission.admit(this, new Job(this.#facade, request, item, values), place);
  }

  /** HOT: a message of the front end. */
  take(message: ReceivedMessage): void | Promise<void> {
    const { bytes, offset, byteLength } = message;
    const number = byteLength > 0 ? (bytes[offset] ?? kitNumber) : -1;
    if (number === kitNumber) {
      this.#takeNotice(message);
      return undefined;
    }
    this.#reader.begin(bytes, offset + 1, byteLength - 1);
    const item = this.#layout?.messagesToBack[number];
    const values = item && this.#reader.takeFields(item.fields, this.#scope);
    if (item === undefined || values === undefined || !this.#isSpoken(item.item)) {
      message.complete();
      this.#share.faults.next({ item: item?.item.name ?? `message ${number}`, byteLength });
      return undefined;
    }
    return this.#admission.inTurn(() => this.#deliver(message, item, values));
  }

  /** HOT: calls the handler and answers, or lets `conclude` do that. */
  execute(job: Job, conclude?: Conclude): void | Promise<void> {
    const handler = this.#handlerOf[job.item.item.number];
    let answer: unknown;
    try {
      answer = handler?.call(this.#handlers, job.values, job);
    } catch (thrown) {
      answer = asFailure(thrown);
    }
    if (isThenable(answer)) {
      return Promise.resolve(answer).then(
        (value) => this.#answer(job, value, conclude),
        (thrown: unknown) => this.#answer(job, asFailure(thrown), conclude),
      );
    }
    return this.#answer(job, answer, conclude);
  }

  /** The kit turns a request down. */
  refuse(request: ReceivedTransaction, failure: KitFailure): void {
    request.complete(noStatus, kitFailures[failure].wire);
  }

  /** HOT */
  #answer(
    { request, item }: Job,
    answer: unknown,
    conclude: Conclude | undefined,
  ): void | Promise<void> {
    const isFailure = answer instanceof DriverFailure;
    const code = isFailure ? answer.code : 0;
    let status: Uint8Array = noStatus;
    if (!isFailure) {
      // A status that is not what the protocol says is the handler's error, and ends the process.
      item.status.write(this.#scratch.begin(), answer ?? noAnswer);
      status = this.#scratch.end();
    }
    // Last, since it may start another one, whose status takes the place of this one.
    if (conclude !== undefined) return conclude(code, status);
    request.complete(status, code);
    return undefined;
  }

  #greet(request: ReceivedTransaction): void {
    const greeting = decodeGreeting(request.parameters);
    if (greeting === undefined) {
      this.#share.faults.next({ item: 'greeting', byteLength: request.byteLength });
      this.refuse(request, 'BAD_PARAMETERS');
      return;
    }
    const agreement = agree(this.#share.protocol, this.#features, greeting);
    if (typeof agreement === 'string') {
      this.refuse(request, agreement);
      return;
    }
    this.#open(request, greeting, agreement);
  }

  #open(request: ReceivedTransaction, greeting: Greeting, agreement: Agreement): void {
    const { endpoint } = request;
    const layout = this.#share.protocol.layoutAt(agreement.version);
    const standing = this.#admission.enter(greeting);
    this.#layout = layout;
    this.#agreement = agreement;
    this.#scope = { from: endpoint, lends: true };
    request.complete(encodeReply({ ...agreement, ...standing }));
    this.outbox.open({ endpoint, layout, features: agreement.features });
  }

  #takeNotice(message: ReceivedMessage): void {
    const notice = decodeNotice(message.body);
    const { byteLength } = message;
    message.complete();
    if (notice === undefined || this.#layout === undefined) {
      this.#share.faults.next({ item: 'notice', byteLength });
    } else {
      this.#admission.takeNotice(notice);
    }
  }

  #deliver(message: ReceivedMessage, item: MessageLayout, values: Values): void | Promise<void> {
    const context = { frontEnd: this.#facade, signal: neverFires };
    const handlers = this.#handlers;
    const handled = handlers[item.item.name]?.(values, context);
    if (!isThenable(handled)) {
      message.complete();
      return undefined;
    }
    return Promise.resolve(handled).then(() => {
      message.complete();
    });
  }

  #isSpoken({ feature }: { readonly feature: string | undefined }): boolean {
    return feature === undefined || (this.#agreement?.features.includes(feature) ?? false);
  }
}

/**
 * A transaction that was understood, and what its handler gets beside the values: one object for
 * both, since there is one for each transaction.
 */
export class Job implements Context<unknown> {
  readonly frontEnd: unknown;
  /** @internal */
  readonly request: ReceivedTransaction;
  /** @internal */
  readonly item: TransactionLayout;
  /** @internal */
  readonly values: Values;

  constructor(
    frontEnd: unknown,
    request: ReceivedTransaction,
    item: TransactionLayout,
    values: Values,
  ) {
    this.frontEnd = frontEnd;
    this.request = request;
    this.item = item;
    this.values = values;
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }
}

const noAnswer: Values = Object.freeze({});
const neverFires: AbortSignal = new AbortController().signal;

/** What a handler threw, if it is an answer. */
function asFailure(thrown: unknown): DriverFailure {
  if (thrown instanceof DriverFailure) return thrown;
  throw thrown;
}

/** HOT: an answer is a plain object nearly always, and one look at its prototype tells so. */
function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  if (typeof answer !== 'object' || answer === null) return false;
  if (Object.getPrototypeOf(answer) === Object.prototype) return false;
  return 'then' in answer && typeof answer.then === 'function';
}
