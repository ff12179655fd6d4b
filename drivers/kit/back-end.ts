/**
 * The back end of a driver: an object or a class of handlers behind a listener, for any number of
 * front ends; its events as methods, for all of them or for one.
 */
import {
  createRuntime,
  ErrorCode,
  IdcError,
  type Domain,
  type Endpoint,
  type EndpointHandlers,
  type ListenOptions,
  type Listener,
  type Offer,
  type OfferRefusalCode,
  type Peer,
  type Runtime,
} from 'idc';
import { Subject, type Observable } from 'rxjs';
import { LeaseAdmission, PlainAdmission, TableAdmission, type Admission } from './admission.js';
import {
  AttachedFrontEnd,
  type AnyHandlers,
  type BackEndShare,
  type Context,
} from './attached-front-end.js';
import { DriverError } from './driver-error.js';
import type { ItemFault } from './event-inbox.js';
import { EventOutbox } from './event-outbox.js';
import type { Agreement } from './greeting.js';
import { checkHandlers } from './handlers.js';
import type { Values } from './item-codec.js';
import type { BackEndHandlers, MessageMethods } from './methods.js';
import type { AnyProtocol, Protocol } from './protocol.js';
import { quotaOf, type ItemCounts } from './quota-of.js';
import { RangeQueue } from './range-queue.js';
import { makeRecovery, type Recovery, type RecoveryOptions } from './recovery.js';

export interface BackEndOptions {
  /** How front ends may recover what ended `maybe`. Default: not at all. */
  readonly recovery?: RecoveryOptions;
  /** Events that may wait for one front end; one more ends as QUEUE_FULL. Default 1,024. */
  readonly queueMax?: number;
  /** How many items may be outstanding; their sizes follow from the protocol. */
  readonly counts?: ItemCounts;
  readonly listen?: Pick<ListenOptions, 'limits' | 'peersMax' | 'forgetMs'>;
  /** Turns a front end away before it is attached. */
  readonly refuse?: (offer: Offer) => OfferRefusalCode | undefined;
  /** The domain's, if that was given one. */
  readonly runtime?: Runtime;
}

/** A front end, as the handlers know it: events for it alone are its methods. */
export type FrontEndPeer<D> = PeerControl & MessageMethods<D, 'front'>;

export interface PeerControl {
  readonly endpoint: Endpoint;
  /** What the transport proves of it, and its own word. */
  readonly peer: Peer | undefined;
  /** Undefined while the ends have not agreed. */
  readonly agreed: Agreement | undefined;
}

/** Handlers for all front ends, or what makes those of each. */
export type HandlersOf<D> =
  | BackEndHandlers<D, Context<FrontEndPeer<D>>>
  | ((frontEnd: FrontEndPeer<D>) => BackEndHandlers<D, Context<FrontEndPeer<D>>>);

/** What every back end has beside the protocol's own. */
export interface BackEndControl<D> {
  readonly listener: Listener;
  /** Resolves with the address once it listens. */
  readonly ready: Promise<string>;
  /** Those with which there is an agreement now. */
  readonly frontEnds: readonly FrontEndPeer<D>[];
  /** Items that could not be read, of all front ends. */
  readonly faults$: Observable<ItemFault>;
  /** Gives every front end up; resolves when that is done. */
  close(): Promise<void>;
}

/**
 * Its events go to every front end that knows them; each resolves once all have taken it. A front
 * end that takes none while its queue fills is given up: it connects again, and asks for what it
 * has missed.
 */
export type BackEnd<D> = BackEndControl<D> & MessageMethods<D, 'front'>;

const queueMaxDefault = 1024;

/** Serves the driver at `address`. */
export function createBackEnd<D>(
  domain: Domain,
  address: string,
  protocol: Protocol<D>,
  handlers: NoInfer<HandlersOf<D>>,
  options: BackEndOptions = {},
): BackEnd<D> {
  // The types of the handlers follow from the schema that their values are checked against.
  const plain = handlers as unknown as AnyHandlers | ((frontEnd: unknown) => AnyHandlers);
  const server = new Server(domain, address, protocol, plain, options);
  const control = {
    listener: server.listener,
    ready: server.listener.ready,
    faults$: server.share.faults.asObservable(),
    get frontEnds() {
      return server.facades;
    },
    close: () => server.close(),
  };
  const events = eventMethods(protocol, (name, values) => server.broadcast(name, values));
  // Getters have to stay getters; `events` has a method for each event of the type.
  return Object.defineProperties(control, Object.getOwnPropertyDescriptors(events)) as BackEnd<D>;
}

type SendEvent = (name: string, values: Values) => Promise<void>;

function eventMethods(protocol: AnyProtocol, send: SendEvent): Record<string, unknown> {
  const events = protocol.messages.filter(({ to }) => to === 'front');
  return Object.fromEntries(
    events.map(({ name }) => [name, (values: Values = noValues) => send(name, values)]),
  );
}

class Server {
  readonly share: BackEndShare;
  readonly listener: Listener;
  readonly #protocol: AnyProtocol;
  readonly #handlers: AnyHandlers | ((frontEnd: unknown) => AnyHandlers);
  readonly #options: BackEndOptions;
  readonly #recovery: Recovery;
  readonly #ranges = new RangeQueue();
  readonly #attached = new Map<AttachedFrontEnd, PeerControl>();

  constructor(
    domain: Domain,
    address: string,
    protocol: AnyProtocol,
    handlers: AnyHandlers | ((frontEnd: unknown) => AnyHandlers),
    options: BackEndOptions,
  ) {
    const { runtime = createRuntime(), recovery = { kind: 'none' }, counts } = options;
    const quota = quotaOf(protocol, counts);
    const { statusBytes } = quota;
    if (typeof handlers !== 'function') checkHandlers(protocol, handlers);
    this.#protocol = protocol;
    this.#handlers = handlers;
    this.#options = options;
    this.#recovery = makeRecovery(recovery, statusBytes, runtime);
    this.share = {
      protocol,
      faults: new Subject<ItemFault>(),
      statusBytesMax: statusBytes,
    };
    this.listener = domain.listen(
      address,
      (offer) => {
        const refusal = options.refuse?.(offer);
        return refusal === undefined ? this.#attach(quota.messageBytes) : offer.refuse(refusal);
      },
      { ...options.listen, quota },
    );
    // Its domain may be closed over its head.
    this.listener.lifecycle$.subscribe({
      complete: () => {
        this.#recovery.table?.close();
        this.share.faults.complete();
      },
    });
  }

  /** What handlers know the front ends as. */
  get facades(): never[] {
    const agreed = [...this.#attached].filter(([{ agreement }]) => agreement !== undefined);
    // They are of the type that the protocol gives them, which is not known here.
    return agreed.map(([, facade]) => facade as never);
  }

  /** Rejects if the values are not those of the event, and for nothing that a front end does. */
  async broadcast(name: string, values: Values): Promise<void> {
    const present = [...this.#attached].filter(([{ agreement }]) => agreement !== undefined);
    await Promise.all(
      present.map(async ([frontEnd, { endpoint }]) => {
        try {
          await this.#send(frontEnd, name, values);
        } catch (error) {
          if (!(error instanceof IdcError) || isBadValue(error)) throw error;
          // What has been lost for it has to end its epoch, so that it learns of the loss.
          if (error.code === ErrorCode.Quota) void endpoint.destroy();
        }
      }),
    );
  }

  async close(): Promise<void> {
    await this.listener.close();
  }

  #attach(messageBytesMax: number): EndpointHandlers {
    const { queueMax = queueMaxDefault } = this.#options;
    const outbox = new EventOutbox(messageBytesMax, queueMax);
    const frontEnd = new AttachedFrontEnd(this.share, this.#makeAdmission(), outbox);
    return {
      appear: (endpoint) => {
        if (!this.#attached.has(frontEnd)) this.#introduce(frontEnd, endpoint);
      },
      disconnect: () => {
        frontEnd.disconnected();
      },
      transaction: (request) => frontEnd.handle(request),
      message: (message) => frontEnd.take(message),
    };
  }

  #introduce(frontEnd: AttachedFrontEnd, endpoint: Endpoint): void {
    const control: PeerControl = {
      endpoint,
      get peer() {
        return endpoint.peer;
      },
      get agreed() {
        return frontEnd.agreement;
      },
    };
    const events = eventMethods(this.#protocol, (name, values) =>
      this.#send(frontEnd, name, values),
    );
    Object.defineProperties(control, Object.getOwnPropertyDescriptors(events));
    const handlers = this.#handlers;
    frontEnd.attach(typeof handlers === 'function' ? handlers(control) : handlers, control);
    this.#attached.set(frontEnd, control);
    endpoint.lifecycle$.subscribe({
      complete: () => {
        this.#attached.delete(frontEnd);
      },
    });
  }

  #send(frontEnd: AttachedFrontEnd, name: string, values: Values): Promise<void> {
    const item = this.#protocol.messages.find((it) => it.to === 'front' && it.name === name);
    return item === undefined ? Promise.resolve() : frontEnd.outbox.send(item, values);
  }

  #makeAdmission(): Admission {
    const { lease, table } = this.#recovery;
    if (lease !== undefined) return new LeaseAdmission(lease);
    if (table !== undefined) return new TableAdmission(table, this.#ranges);
    return new PlainAdmission();
  }
}

function isBadValue(error: IdcError): boolean {
  return error instanceof DriverError && error.failure === 'BAD_VALUE';
}

const noValues: Values = Object.freeze({});
