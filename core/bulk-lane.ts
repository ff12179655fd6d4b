/**
 * The contract of bulk lanes: links on which long data travels, and whose bytes are read straight
 * into the memory that they are for. A transport has them where its `capabilities.bulk` is `lane`.
 *
 * A lane carries bodies in both directions, each behind a header that is its clients' business. It
 * says nothing about what the peer has: who must know lets the peer answer over an ordinary link.
 * `runLaneCompliance` of `idc/compliance` tests every law; L1-L13 are those of `transport.ts`.
 *
 * N1  `openLane` never throws for an operating error and calls nobody before it returns.
 * N2  `linkUp` comes once at most, `linkDown` once, in this order; `linkDown` may come alone. No
 *     `linkUp` after `close`. A lane is up only if the peer's end is a lane as well.
 * N3  Between them bodies arrive whole, in the order of `send`, at most once, each with its header;
 *     what is lost is a suffix, and `linkDown` follows. A body may be empty, a header may not.
 * N4  `send` copies the header and not one byte of the source. The source is the lane's, and nobody
 *     may change it, until `sent` or `linkDown`. `sent` comes in the order of `send` and means only
 *     that the memory is free.
 * N5  Bytes are written into a target only right after the sink has answered `target`, or true to
 *     `proceed`; nothing else of the program runs in between. So what the sink knows to be over is
 *     not written to any more, however late the rest of a body comes, and nobody who runs needs to
 *     fear that a read into a target is under way.
 * N6  `send` never blocks. It takes `bodiesMax` bodies that are not `sent` yet, then answers
 *     `BackPressured`, and exactly one `writable` or `linkDown` follows. Before `linkUp`, after
 *     `linkDown` and after `close` it answers `Down`.
 * N7  The rest of a body that has no target, or must not proceed, is read and forgotten, without
 *     `landed`. The lane goes on.
 * N8  The sink is never called from inside a method of the lane. Of the lane's methods a sink may
 *     call only `close` in `target` and `proceed`, and neither may make other code run, be it later
 *     in the same turn: no promise is settled there.
 * N9  `close` is idempotent and waits for nobody: what the peer has not got may be lost. `linkDown`
 *     follows, unless it was told, and one `closed`; nothing else is called after `close`.
 * N10 When `linkDown` is told, no source is read and no target is written any more.
 * N11 No byte from the peer can cause a throw: nonsense becomes `linkDown(Corrupt)`.
 * N12 An accepted lane is unclaimed until its sink has answered a `target` for the first time. If
 *     the answer is undefined the lane goes down as `AccessDenied`; if none is asked for within
 *     `claimMs`, as `TimedOut`. A listener with `unclaimedLanesMax` unclaimed lanes turns away
 *     whoever comes: that dialler is told `Refused`.
 * N13 A stalled peer or sink delays no other lane or link, and in one turn a lane moves a bounded
 *     number of bytes each way. While frames of links that are not `isBulk` come and go, it makes
 *     way for them as far as it sends bodies that are part of long transfers.
 * N14 When one side goes, the other learns it in bounded time, and after `closed` no timer, handle,
 *     listener or memory of the lane remains.
 *
 * A header that is empty or too long, and a target that is not as long as its body, are programmer
 * errors.
 */
import type { ClaimRefusal, Fault, PeerIdentity } from './transport.js';

/** Longest header of a body, in bytes. */
export const laneHeaderBytesMax = 64;

/** Longest body, in bytes. */
export const bodyBytesMax = 0x4000_0000;

/** Bodies of one lane that may be on their way out of this side's memory at one time. */
export const bodiesMax = 64;

/** Lanes of one listener that may be unclaimed at one time. */
export const unclaimedLanesMax = 256;

/** How long a lane may be unclaimed, in milliseconds. */
export const claimMs = 2000;

/** One array, or a list that stands for its parts joined. */
export type LaneBytes = Uint8Array | readonly Uint8Array[];

export interface BulkLane {
  /**
   * HOT: 0 if the body is on its way, or why it is not. `TooLarge`: beyond `bodyBytesMax`.
   * `isLong`: it is part of a transfer that takes long, so others go first (N13).
   */
  send(header: Uint8Array, source: LaneBytes, isLong?: boolean): ClaimRefusal | 0;
  close(): void;
}

/**
 * Core implements, the transport calls. A header is the sink's to read and nobody's to keep: of
 * `target`, `proceed` and `landed` it is the same array with the same content while the same body
 * arrives; of `sent` it is valid during the call.
 */
export interface LaneSink {
  linkUp(identity: PeerIdentity): void;
  linkDown(fault: Fault): void;
  /** Where the `byteLength` bytes of the body go; undefined to refuse them. */
  target(header: Uint8Array, byteLength: number): LaneBytes | undefined;
  /** HOT: may more of the body be written into its target? Asked before each part of it. */
  proceed(header: Uint8Array): boolean;
  /** The whole body is in its target, which is the sink's again. */
  landed(header: Uint8Array): void;
  /** The source of the earliest body that was not `sent` is free. */
  sent(header: Uint8Array): void;
  writable(): void;
  closed(): void;
}
