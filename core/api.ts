/**
 * The vocabulary of the public API: options, handlers, events and refusals. Types and constants
 * only; the things that behave are `Domain`, `Endpoint`, `Listener` and the received items.
 */
import type { Endpoint } from './endpoint.js';
import type { ErrorCode, Execution } from './errors.js';
import type { ReceivedMessage } from './message.js';
import type { ReceivedTransaction } from './received-transaction.js';
import type { Quota } from './quota.js';
import type { Runtime } from './runtime.js';
import type { TransferLimits } from './transfer/remote-buffers.js';
import type { Fault, PeerIdentity, TransportFactory } from './transport.js';

/** Bytes to send: one array, or a list that is sent as if joined (scatter/gather). */
export type Bytes = Uint8Array | readonly Uint8Array[];

/** Why a hot call took nothing. Refused work was never executed. */
export const Refusal = {
  /** No epoch is open. */
  NotConnected: -1,
  /** Every credit or slot of the quota is taken. */
  Quota: -2,
  /** The medium is full; see `whenWritable`. */
  BackPressured: -3,
  /** More bytes than the agreed quota allows. */
  TooLarge: -4,
  /** The endpoint was destroyed. */
  Destroyed: -5,
} as const;
export type Refusal = (typeof Refusal)[keyof typeof Refusal];

/** How a domain waits for traffic: sleep at once, poll for a while first, or never sleep. */
export type WaitStrategy = 'park' | 'adaptive' | 'spin';

/** Every time limit, in milliseconds. */
export interface TimeLimits {
  /** From a link coming up to the end of greeting. Default 5,000. */
  readonly handshakeMs: number;
  /** How long an endpoint waits for a new link before `disappear`. Default 2,000. */
  readonly lingerMs: number;
  /** Interval of keep-alive; a silent peer is noticed within five. Default 2,000. */
  readonly keepAliveMs: number;
  /** How long a cancel, a time limit or a goodbye waits for the peer's word. Default 1,000. */
  readonly flushMs: number;
  /** How long `destroy` waits for this side's own client to drain. Default 10,000. */
  readonly drainMs: number;
  /** Default time limit of a transaction. Default 30,000; `Infinity` only by choice. */
  readonly timeoutMs: number;
  /** Longest time that a write to a buffer of this domain may be on its way. Default 5,000. */
  readonly fenceMs: number;
  /** First delay between dial attempts; the first retry comes at once. Default 20. */
  readonly dialMinMs: number;
  /** Longest delay between dial attempts. Default 5,000. */
  readonly dialMaxMs: number;
}

/** Who the other end is. `identity` is proven by the transport; the rest is the peer's own word. */
export interface Peer {
  readonly identity: PeerIdentity;
  /** 128-bit domain id as 32 hexadecimal digits. */
  readonly domainId: string;
  readonly domainName: string;
  /** 64-bit incarnation as 16 hexadecimal digits; another one means that the peer restarted. */
  readonly incarnation: string;
  readonly endpointName: string;
}

/** What a peer wants to do, for `authorise`. */
export type Action = 'connect' | 'transfer';

export interface DomainOptions {
  /** For people; told to peers. At most 64 bytes of UTF-8. */
  readonly name: string;
  /** 16 bytes; random unless given by who wants to be recognised after a restart. */
  readonly id?: Uint8Array;
  readonly transports: readonly TransportFactory[];
  /** Default quota of this domain's endpoints. */
  readonly quota?: Partial<Quota>;
  /** Default `adaptive`. */
  readonly wait?: WaitStrategy;
  /** With `adaptive`: how long to poll after the last traffic, in milliseconds. Default 0.25. */
  readonly adaptiveMs?: number;
  readonly limits?: Partial<TimeLimits>;
  /** How much of remote transfers this domain takes part in. */
  readonly transfers?: Partial<TransferLimits>;
  /** Replaces clock, scheduler and randomness. */
  readonly runtime?: Runtime;
  /** Decides before any listener sees the peer. Default: everybody may. Must not throw. */
  readonly authorise?: (peer: Peer, service: string, action: Action) => boolean;
}

export interface EndpointOptions {
  /** Tells several endpoints of one domain apart at the peer. Default: creation ordinal. */
  readonly name?: string;
  readonly quota?: Partial<Quota>;
  readonly limits?: Partial<TimeLimits>;
}

export interface ListenOptions {
  /** Quota of each accepted endpoint. */
  readonly quota?: Partial<Quota>;
  readonly limits?: Partial<TimeLimits>;
  /** Most endpoints at one time; the oldest absent one gives way. Default 1,024. */
  readonly peersMax?: number;
  /** How long an absent endpoint is kept for its peer's return. Default 60,000 ms. */
  readonly forgetMs?: number;
}

/** A peer that asks to be connected. */
export interface Offer {
  readonly peer: Peer;
  readonly service: string;
  /** What the peer asks for; the smaller of both ends will hold. */
  readonly quota: Quota;
  /** Answer this instead of handlers to turn the peer away. Across the wire goes only the code. */
  refuse(code?: OfferRefusalCode): OfferRefusal;
}
export type OfferRefusalCode = 'REFUSED' | 'ACCESS_DENIED' | 'EXHAUSTED';
export interface OfferRefusal {
  readonly refused: OfferRefusalCode;
}
export type OfferHandler = (offer: Offer) => EndpointHandlers | OfferRefusal;

/**
 * What a client implements; everything is optional. Calls come one at a time, in the order of the
 * grammar `( appear ( connect disconnect )* disappear )*`. A handler that throws ends the process.
 */
export interface EndpointHandlers {
  /** The peer's endpoint was found. */
  readonly appear?: (endpoint: Endpoint) => void | Promise<void>;
  /** An epoch is open: submit. */
  readonly connect?: (endpoint: Endpoint) => void | Promise<void>;
  /** The epoch is over. The end of the returned promise completes the client's own drain. */
  readonly disconnect?: (endpoint: Endpoint, event: DisconnectEvent) => void | Promise<void>;
  /** The peer's endpoint has gone away. */
  readonly disappear?: (endpoint: Endpoint) => void | Promise<void>;
  /** Must lead to exactly one `message.complete()`, at any later time. */
  readonly message?: (message: ReceivedMessage, endpoint: Endpoint) => void | Promise<void>;
  /** Must lead to exactly one `transaction.complete(…)`, at any later time. */
  readonly transaction?: (
    transaction: ReceivedTransaction,
    endpoint: Endpoint,
  ) => void | Promise<void>;
}

/**
 * The end of an epoch. Requests (messages and transactions together) are counted from 1 in the
 * order of submission; `submitMessage` answers that number.
 */
export interface DisconnectEvent {
  readonly type: 'disconnect';
  readonly epoch: number;
  readonly reason: ErrorCode;
  /** The last request that this side submitted; 0 if none. */
  readonly submittedThrough: number;
  /** The last request that a handler of the peer is known to have been given. */
  readonly handledThrough: number;
  /** This request and all above it were never given to a handler. */
  readonly neverFrom: number;
  /** Holds the drain until `work` has settled; for observers. Only during the notification. */
  waitUntil(work: Promise<unknown>): void;
}

export type LifecycleEvent =
  | { readonly type: 'appear' }
  | { readonly type: 'connect'; readonly epoch: number }
  | DisconnectEvent
  | { readonly type: 'disappear' }
  /** Outside the grammar: an attempt to connect failed, and when the next one is made. */
  | {
      readonly type: 'attempt';
      readonly fault: Fault | ErrorCode;
      readonly nextInMs: number;
    }
  /** `abandoned`: the client's own drain took longer than `drainMs`. */
  | { readonly type: 'destroyed'; readonly abandoned: boolean };

export type ListenerEvent =
  | { readonly type: 'listening'; readonly address: string }
  | { readonly type: 'attempt'; readonly fault: Fault; readonly nextInMs: number }
  | { readonly type: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly type: 'closed' };

export interface TransactionOptions {
  /** Cancels; the promise still settles by what the peer knew. */
  readonly signal?: AbortSignal;
  /** Default `limits.timeoutMs`. */
  readonly timeoutMs?: number;
  /** Receives the status bytes; the promise answers the filled part of it. */
  readonly into?: Uint8Array;
}

/**
 * The hot form's completion. `bytes[offset … offset + byteLength)` is the status, valid only during
 * the call. `code` is `OK`, `REMOTE` (then `remoteCode` is the application's) or a transport's.
 */
export type Completion<C> = (
  context: C,
  code: ErrorCode,
  execution: Execution,
  bytes: Uint8Array,
  offset: number,
  byteLength: number,
  remoteCode: number,
) => void;

/** What `whenWritable` waits for. */
export interface WritableRequest {
  readonly kind: 'message' | 'transaction';
  readonly byteLength: number;
}

export interface DestroyOptions {
  /** How long this side's own client may take to drain. Default `limits.drainMs`. */
  readonly drainMs?: number;
}
