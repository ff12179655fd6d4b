/**
 * The front end of a driver: its transactions and messages as methods, its events as observables.
 *
 * Every epoch begins with a greeting, in which the ends agree on what they speak; until then calls
 * wait in the queue, and so they do while there is no connection.
 */
import {
  createRuntime,
  ErrorCode,
  IdcError,
  type Domain,
  type Endpoint,
  type EndpointOptions,
  type LifecycleEvent,
  type Runtime,
} from 'idc';
import type { Observable } from 'rxjs';
import { EventInbox, type EventHandler, type ItemFault } from './event-inbox.js';
import type { CallItem, CallOptions } from './call.js';
import {
  kitFailureFromWire,
  makeKitError,
  type DriverError,
  type KitFailure,
} from './driver-error.js';
import { makeSession, type FrontSession } from './front-session.js';
import {
  decodeReply,
  encodeGreeting,
  idBytes,
  versionsOf,
  type Greeting,
  type RecoveryKind,
} from './greeting.js';
import type { Values } from './item-codec.js';
import type { EventHandlers, EventStreams, MessageMethods, TransactionMethods } from './methods.js';
import type { AnyProtocol, Protocol } from './protocol.js';
import { quotaOf, type ItemCounts } from './quota-of.js';
import type { FeatureOf } from './schema.js';
import { Submitter, type SubmitterCounts } from './submitter.js';

/** What there is to choose, whatever the protocol. */
export interface FrontEndSettings {
  /** True: what a lost connection left undone is submitted again if it may be. Default false. */
  readonly recover?: boolean;
  /** `read`: it never asks for the exclusive lease. Default `write`. */
  readonly access?: 'read' | 'write';
  /** Calls that may wait; one more ends as QUEUE_FULL. Default 1,024. */
  readonly queueMax?: number;
  /** From a call to its end, over all attempts. Default 30,000 ms. */
  readonly timeoutMs?: number;
  /** The features that this end can do with. Default: all. */
  readonly features?: readonly string[];
  /** How many items may be outstanding; their sizes follow from the protocol. */
  readonly counts?: ItemCounts;
  readonly endpoint?: Pick<EndpointOptions, 'name' | 'limits'>;
  /** The domain's, if that was given one. */
  readonly runtime?: Runtime;
}

export interface FrontEndOptions<D> extends FrontEndSettings {
  /** Handlers of events, beside the observables. */
  readonly events?: EventHandlers<D>;
  readonly features?: readonly FeatureOf<D>[];
}

/** What the ends agreed on for the current epoch. */
export interface Agreed {
  readonly version: number;
  readonly features: ReadonlySet<string>;
  readonly recovery: RecoveryKind;
  /** False if another front end has the exclusive lease. */
  readonly isWriter: boolean;
}

export interface FrontEndStatistics extends Readonly<SubmitterCounts> {
  /** Calls that wait. */
  readonly queued: number;
}

/** What every front end has beside the protocol's own. */
export interface FrontEndControl {
  readonly endpoint: Endpoint;
  readonly lifecycle$: Observable<LifecycleEvent>;
  /** Events that could not be read. */
  readonly faults$: Observable<ItemFault>;
  /** Undefined while the ends have not agreed. */
  readonly agreed: Agreed | undefined;
  /** Resolves when the ends have agreed; rejects with why they will not, or once it is closed. */
  ready(): Promise<Agreed>;
  statistics(): FrontEndStatistics;
  /** Calls that wait end as DESTROYED; resolves when the endpoint is gone. */
  close(): Promise<void>;
}

export type FrontEnd<D> = FrontEndControl &
  TransactionMethods<D> &
  MessageMethods<D, 'back'> &
  EventStreams<D>;

const queueMaxDefault = 1024;
const timeoutMsDefault = 30_000;

/** Makes a front end that connects to the back end at `address`, and again whenever it is lost. */
export function createFrontEnd<D>(
  domain: Domain,
  address: string,
  protocol: Protocol<D>,
  options: NoInfer<FrontEndOptions<D>> = {},
): FrontEnd<D> {
  // They are handlers of this protocol's events, which are given the values that they name.
  const events = (options.events ?? {}) as Readonly<Record<string, EventHandler>>;
  const control = new Control(domain, address, protocol, options, events);
  const members: Record<string, unknown> = {};
  for (const { name, number, effect, range, feature } of protocol.transactions) {
    const item: CallItem = { kind: 'transaction', name, number, effect, range, feature };
    members[name] = control.methodOf(item);
  }
  for (const { name, number, to, feature } of protocol.messages) {
    if (to === 'front') {
      members[`${name}$`] = control.streamOf(name);
    } else {
      const fixed = { effect: 'none', range: undefined } as const;
      members[name] = control.methodOf({ kind: 'message', name, number, feature, ...fixed });
    }
  }
  // The loops above made a member for each name of the type.
  return Object.assign(control, members) as unknown as FrontEnd<D>;
}

/** Ends of a greeting after which the next one may do better in the same epoch. */
const asksAgain: readonly ErrorCode[] = [
  ErrorCode.Timeout,
  ErrorCode.Quota,
  ErrorCode.BackPressured,
];

interface Waiter {
  readonly resolve: (agreed: Agreed) => void;
  readonly reject: (error: unknown) => void;
}

class Control implements FrontEndControl {
  readonly endpoint: Endpoint;
  readonly #protocol: AnyProtocol;
  readonly #options: FrontEndSettings;
  readonly #id = new Uint8Array(idBytes);
  readonly #submitter: Submitter;
  readonly #inbox: EventInbox;
  readonly #waiters: Waiter[] = [];
  #session: FrontSession | undefined = undefined;
  #refusal: DriverError | undefined = undefined;
  #isClosed = false;

  constructor(
    domain: Domain,
    address: string,
    protocol: AnyProtocol,
    options: FrontEndSettings,
    events: Readonly<Record<string, EventHandler>>,
  ) {
    this.#protocol = protocol;
    this.#options = options;
    const { recover = false, queueMax = queueMaxDefault, timeoutMs = timeoutMsDefault } = options;
    const { runtime = createRuntime(), counts } = options;
    runtime.prng.fill(this.#id);
    const quota = quotaOf(protocol, counts);
    this.#inbox = new EventInbox(protocol, events);
    this.#submitter = new Submitter(
      {
        protocol,
        runtime,
        recovers: recover,
        queueMax,
        timeoutMs,
        itemBytesMax: Math.max(quota.parameterBytes, quota.messageBytes),
        greetAgain: () => {
          this.#submitter.interrupt();
          void this.#greet(this.endpoint);
        },
      },
      () => this.endpoint,
    );
    this.endpoint = domain.createEndpoint(
      address,
      {
        connect: (endpoint) => this.#greet(endpoint),
        disconnect: () => {
          this.#interrupt();
        },
        message: (message) => this.#inbox.take(message),
      },
      { ...options.endpoint, quota },
    );
    // Its domain may be closed over its head.
    this.endpoint.lifecycle$.subscribe({
      complete: () => {
        this.#giveUp();
        this.#inbox.end();
      },
    });
  }

  get lifecycle$(): Observable<LifecycleEvent> {
    return this.endpoint.lifecycle$;
  }

  get faults$(): Observable<ItemFault> {
    return this.#inbox.faults.asObservable();
  }

  get agreed(): Agreed | undefined {
    if (this.#session === undefined) return undefined;
    const { layout, features, recovery, isWriter } = this.#session;
    return { version: layout.version, features, recovery, isWriter };
  }

  ready(): Promise<Agreed> {
    const { agreed } = this;
    if (agreed !== undefined) return Promise.resolve(agreed);
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    if (this.#isClosed) return Promise.reject(new IdcError(ErrorCode.Destroyed, 'never'));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  statistics(): FrontEndStatistics {
    return { ...this.#submitter.counts, queued: this.#submitter.queued };
  }

  async close(): Promise<void> {
    this.#giveUp();
    const { agreed } = this;
    if (agreed?.recovery === 'lease' && agreed.isWriter) this.#submitter.leave();
    await this.endpoint.destroy();
  }

  #giveUp(): void {
    this.#isClosed = true;
    this.#submitter.close();
    this.#rejectWaiters(new IdcError(ErrorCode.Destroyed, 'never'));
  }

  methodOf(item: CallItem): (values?: Values, options?: CallOptions) => Promise<Values> {
    return (values = noValues, options) => this.#submitter.submit(item, values, options);
  }

  streamOf(name: string): Observable<Values> | undefined {
    return this.#inbox.subjects.get(name)?.asObservable();
  }

  #interrupt(): void {
    this.#session = undefined;
    this.#refusal = undefined;
    this.#submitter.interrupt();
    this.#inbox.interrupt();
  }

  /** Asks until there is an answer or the epoch is over. */
  async #greet(endpoint: Endpoint): Promise<void> {
    const { epoch } = endpoint;
    const isCurrent = (): boolean => endpoint.state === 'connected' && endpoint.epoch === epoch;
    while (isCurrent() && !this.#isClosed) {
      try {
        const greeting = this.#makeGreeting();
        const bytes = encodeGreeting(greeting);
        // Calls of this epoch may have every slot when the lease is asked for.
        await endpoint.whenWritable({ kind: 'transaction', byteLength: bytes.length });
        const reply = decodeReply(await endpoint.submitTransaction(bytes));
        if (!isCurrent()) return;
        const session = reply && makeSession(this.#protocol, greeting, reply);
        if (session === undefined) this.#refuse('BAD_STATUS');
        else this.#open(session, endpoint);
        return;
      } catch (error) {
        if (!(error instanceof IdcError)) throw error;
        if (!isCurrent()) return;
        if (error.code === ErrorCode.Remote) {
          this.#refuse(kitFailureFromWire(error.remoteCode ?? 0) ?? 'WRONG_PROTOCOL');
          return;
        }
        if (!asksAgain.includes(error.code)) {
          // It takes no transactions, or none as long as a greeting: no back end of the kit.
          this.#refuse('WRONG_PROTOCOL');
          return;
        }
      }
    }
  }

  #makeGreeting(): Omit<Greeting, 'number' | 'kit'> {
    const { recover = false, access = 'write', features = this.#protocol.features } = this.#options;
    return {
      ...versionsOf(this.#protocol),
      features,
      frontEnd: this.#id,
      writes: access === 'write',
      recovers: recover,
      oldestUnsettled: this.#submitter.oldestUnsettled,
    };
  }

  #open(session: FrontSession, endpoint: Endpoint): void {
    this.#session = session;
    this.#inbox.open(session.layout, endpoint);
    this.#submitter.open(session, endpoint);
    const { agreed } = this;
    if (agreed === undefined) return;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(agreed);
  }

  #refuse(failure: KitFailure): void {
    this.#refusal = makeKitError(failure);
    this.#submitter.refuse(failure);
    this.#rejectWaiters(this.#refusal);
  }

  #rejectWaiters(error: IdcError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}

const noValues: Values = Object.freeze({});
