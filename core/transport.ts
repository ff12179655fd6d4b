/**
 * The transport contract: what a medium must do so that endpoints can run over it.
 *
 * A transport moves whole frames in order and says whether the peer is there; the rest lives in
 * core. Bulk lanes and shared memory have files of their own. `idc/compliance` tests every law.
 *
 * L1  `open` and `listen` never throw for an operating error and call nobody before they return.
 * L2  `linkUp` comes once at most, `linkDown` once after it or alone; no `linkUp` after `close`.
 * L3  Between them frames arrive whole, in order, once; if a suffix is lost, `linkDown` follows.
 * L4  Frame bytes are valid only during the call of `frame`.
 * L5  The sink is never called from inside a Link method, only from `poll` or the medium's events.
 *     What a `poll` leaves undone asks for the next one by `wake`. So does whatever comes after
 *     `park` answered true; before, the domain polls unasked.
 * L6  `claim` never blocks, allocates or queues; after `BackPressured` exactly one `writable` or
 *     `linkDown` follows. Before `linkUp`, after `linkDown` and after `close` it answers `Down`.
 * L7  An aborted claim is invisible to the peer. A claim that is open when the link goes down may
 *     be committed or aborted; it reaches nobody.
 * L8  `close` is idempotent and asynchronous: what was committed is still delivered if the peer
 *     takes it within `closeMs`, then `linkDown` (unless told already), one `closed`, then silence.
 *     No `frame` or `writable` after `close`. Where nobody failed, both ends are told `closed`.
 * L9  A stalled peer or sink on one link never delays another link.
 * L10 An idle link accepts `frameBytesMax` and refuses one byte more with `TooLarge`.
 * L11 No byte from the peer can cause a throw: nonsense becomes `linkDown(Corrupt)`.
 * L12 When one side goes, the other learns it in bounded time.
 * L13 After `closed` no timer, handle, listener or memory of the link remains.
 *
 * Programmer errors: an empty claim, a second one, a commit or abort without one, a nested `poll`.
 */
import type { Address } from './address.js';
import type { BulkLane, LaneSink } from './bulk-lane.js';
import type { Runtime } from './runtime.js';
import type { SharedMemory } from './shared-memory.js';

/** The longest that `Link.close` may go on delivering, in milliseconds. */
export const closeMs = 1000;
/** Why `claim` gave no offset. */
export const ClaimRefusal = { BackPressured: -1, TooLarge: -2, Down: -3 } as const;
export type ClaimRefusal = (typeof ClaimRefusal)[keyof typeof ClaimRefusal];

/** Why a link went down, or why a listener could not listen. */
export const Fault = {
  Closed: 'closed',
  Reset: 'reset',
  Corrupt: 'corrupt',
  Refused: 'refused',
  Unreachable: 'unreachable',
  NotFound: 'notFound',
  TimedOut: 'timedOut',
  AddressInUse: 'addressInUse',
  AccessDenied: 'accessDenied',
  Unsupported: 'unsupported',
  Exhausted: 'exhausted',
} as const;
export type Fault = (typeof Fault)[keyof typeof Fault];

/** What the medium itself proves about the peer; never the peer's own word. */
export interface PeerIdentity {
  readonly kind: 'unproven' | 'thread' | 'process' | 'key' | 'certificate';
  /** Equal names of one kind are the same party; empty when unproven. */
  readonly name: string;
  /** Where the link comes from, for logs only: `127.0.0.1:40112`. */
  readonly origin: string;
  /** The peer's process by the kernel's word, of kind `process`; pid 0 if it cannot be seen. */
  readonly process?: { readonly pid: number; readonly uid: number; readonly gid: number };
}

/** Frozen facts about a medium. */
export interface TransportCapabilities {
  /** Largest frame in bytes; at least 1024. */
  readonly frameBytesMax: number;
  readonly crossProcess: boolean;
  /** `full`: `poll` alone moves everything. `flush`: the event loop may have to turn, too. */
  readonly poll: 'full' | 'flush';
  /** How bulk data travels: on lanes (`openLane`), in shared `memory`, or in ordinary frames. */
  readonly bulk: 'lane' | 'region' | 'inline';
}

/** The kind of a link. `openLane` is the way to a bulk lane: `open` refuses `bulk`. */
export type Lane = 'message' | 'bulk';

/** What a domain lends to each of its transports. */
export interface TransportHost {
  readonly runtime: Runtime;
  /** Asks for a `poll` soon. Cheap, coalesced, legal everywhere; never polls before it returns. */
  wake(): void;
}

/** What `createDomain({ transports })` takes: makes one transport for one domain. */
export interface TransportFactory {
  readonly scheme: string;
  create(host: TransportHost): Transport;
}

export interface Transport {
  readonly scheme: string;
  readonly capabilities: TransportCapabilities;
  /** Present where `bulk` is `region`. */
  readonly memory?: SharedMemory | undefined;
  /** Cannot fail; trouble arrives later as `linkDown`. `address.service` is not its business. */
  open(address: Address, sink: LinkSink, lane: Lane): Link;
  openLane?(address: Address, sink: LaneSink): BulkLane;
  /** Cannot fail; trouble arrives later as `failed`. */
  listen(address: Address, accept: Accept): TransportListener;
  /** Delivers at most `limit` frames to each link's sink, and flushes; answers the events. */
  poll(limit: number): number;
  /** No more polls until `wake`: flushes. False if something has come; it is polled again then. */
  park(): boolean;
}

export interface Link {
  /** `claim` answers an offset into this; the same array for the link's whole life. */
  readonly claimBytes: Uint8Array;
  /** Room for one frame: an offset, a multiple of 4; or a `ClaimRefusal`. One at a time. */
  claim(byteLength: number): number;
  /** The one open claim becomes a frame. */
  commit(): void;
  /** The one open claim never happened. */
  abort(): void;
  close(): void;
}

/** Core implements, the transport calls. */
export interface LinkSink {
  /** Its frames only go with bodies: no lane makes way for them. */
  readonly isBulk?: boolean;
  linkUp(identity: PeerIdentity): void;
  linkDown(fault: Fault): void;
  frame(bytes: Uint8Array, offset: number, byteLength: number): void;
  writable(): void;
  closed(): void;
}

/** Core implements, the transport's listener calls. */
export interface Accept {
  /** Bound; `address` has the real port or name. At most once. */
  listening(address: Address): void;
  /** Could not listen, or cannot any longer; the listener is over but for `closed`. */
  failed(fault: Fault): void;
  /** A peer came. The answered sink gets `linkUp` after this returned. */
  accept(link: Link): LinkSink;
  /** What was accepted as a link and went down `Closed` is a lane. Without this it is `Corrupt`. */
  acceptLane?(lane: BulkLane): LaneSink;
  /** Everything of the listener is released. Links that it accepted live on. */
  closed(): void;
}

export interface TransportListener {
  /** Idempotent and asynchronous; one `closed` follows. */
  close(): void;
}
