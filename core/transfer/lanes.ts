/**
 * Lanes: the bulk lanes of a domain's channels, from their opening to their end.
 *
 * Whoever dialled a channel opens its lane, for it has an address that works: it asks for a token
 * on the channel, and the lane says the token first. So a lane belongs to one epoch of one channel.
 * One that is lost is opened again after a while; meanwhile its channel carries everything.
 */
import { assert } from '../assert.js';
import type { BulkLane, LaneBytes, LaneSink } from '../bulk-lane.js';
import { isSameSecret } from '../digest.js';
import { ErrorCode, IdcError } from '../errors.js';
import type { Runtime } from '../runtime.js';
import { WheelTimer, type TimerWheel } from '../timer-wheel.js';
import type { Fault, PeerIdentity } from '../transport.js';
import { isSameParty, LaneEnd, type LaneEndHost } from './lane-end.js';
import { BodyHeader, BodyKind, tokenBytes } from './lane-wire.js';
import type { LaneWrites } from './lane-writes.js';
import type { LiveChannel } from './live-channel.js';
import { AnswerReader, holderKeyBytes, RequestHead, TransferOp } from './transfer-wire.js';

/** How long until a lane that was lost is opened again, at first and at most, in milliseconds. */
const reopenMsMin = 500;
const reopenMsMax = 60_000;

export interface LanesHost {
  readonly runtime: Runtime;
  readonly wheel: TimerWheel;
  writesOf(channel: LiveChannel): LaneWrites | undefined;
}

/** A channel whose lane this side opens, in one epoch. */
interface Opening {
  readonly channel: LiveChannel;
  readonly timer: WheelTimer;
  delayMs: number;
}

export class Lanes {
  readonly #host: LanesHost;
  readonly #openings = new Map<LiveChannel, Opening>();
  /** What a lane has to say to belong to a channel. */
  readonly #tokens = new Map<LiveChannel, Uint8Array>();
  /** Ends that may use memory of this side, and who waits for that to be over. */
  readonly #ends = new Map<LaneEnd, LiveChannel>();
  readonly #waiters = new Set<() => void>();
  /** Lanes that are not closed, those included that nobody has claimed. */
  readonly #lanes = new Set<BulkLane>();
  #isEnded = false;

  constructor(host: LanesHost) {
    this.#host = host;
  }

  /** An epoch of the channel has begun. */
  connected(channel: LiveChannel): void {
    const { transport } = channel.place ?? {};
    if (this.#isEnded || transport?.openLane === undefined) return;
    const timer = new WheelTimer(() => {
      void this.#open(opening);
    });
    const opening: Opening = { channel, timer, delayMs: reopenMsMin };
    this.#openings.set(channel, opening);
    void this.#open(opening);
  }

  /** The epoch is over. What it answers resolves when no memory is used for it any more. */
  disconnected(channel: LiveChannel): Promise<void> | undefined {
    this.#tokens.delete(channel);
    this.#forget(channel);
    channel.lane = undefined;
    for (const [end, other] of this.#ends) if (other === channel) end.close();
    const isOver = (): boolean => ![...this.#ends.values()].includes(channel);
    return isOver() ? undefined : this.#when(isOver);
  }

  /** For the next lane of this channel, which this side did not dial; the former is void. */
  tokenFor(channel: LiveChannel): Uint8Array | undefined {
    if (this.#isEnded || channel.place !== undefined) return undefined;
    const token = new Uint8Array(tokenBytes);
    this.#host.runtime.prng.fill(token);
    this.#tokens.set(channel, token);
    return token;
  }

  /** A lane has come, and has not said to which channel. */
  accept(lane: BulkLane): LaneSink {
    this.#lanes.add(lane);
    if (this.#isEnded) lane.close();
    return new Guest({
      claim: (token, identity) => this.#claim(lane, token, identity),
      closed: () => {
        this.#closed(lane);
      },
      close: () => {
        lane.close();
      },
    });
  }

  /** The peer of this channel broke the rules: its epoch ends, in a turn of its own. */
  corrupt(channel: LiveChannel): void {
    const { endpoint } = channel;
    const { epoch } = endpoint;
    this.#host.runtime.scheduler.soon(() => {
      if (endpoint.epoch === epoch) endpoint.fail(ErrorCode.Corrupt);
    });
  }

  /** Closes all of them; no other one is opened. */
  end(): void {
    this.#isEnded = true;
    for (const channel of [...this.#openings.keys()]) this.#forget(channel);
    this.#tokens.clear();
    for (const end of this.#ends.keys()) end.close();
    for (const lane of this.#lanes) lane.close();
  }

  /** Resolves once nothing is left of them. */
  released(): Promise<void> {
    return this.#when(() => this.#lanes.size === 0);
  }

  async #open(opening: Opening): Promise<void> {
    const { channel } = opening;
    const { place, endpoint } = channel;
    const token = await askForToken(channel);
    if (this.#openings.get(channel) !== opening || place === undefined) return;
    if (!(token instanceof Uint8Array)) {
      if (token === ErrorCode.Quota || token === ErrorCode.BackPressured) this.#reopen(opening);
      return;
    }
    const writes = this.#host.writesOf(channel);
    const { transport, address } = place;
    if (writes === undefined || !channel.isConnected) return;
    assert(transport.openLane !== undefined, 'who opens lanes goes on doing so');
    const startMs = this.#host.runtime.clock.now();
    let opened: BulkLane | undefined = undefined;
    const end: LaneEnd = new LaneEnd(
      this.#endHost(
        channel,
        () => {
          if (this.#openings.get(channel) !== opening) return;
          const lastedMs = this.#host.runtime.clock.now() - startMs;
          if (lastedMs > reopenMsMax) opening.delayMs = reopenMsMin;
          this.#reopen(opening);
        },
        () => {
          if (opened !== undefined) this.#closed(opened);
        },
      ),
      writes,
      token,
    );
    assert(endpoint.state === 'connected', 'a lane belongs to an epoch');
    opened = transport.openLane(address, end);
    this.#lanes.add(opened);
    this.#join(channel, end, opened);
  }

  #reopen(opening: Opening): void {
    this.#host.wheel.arm(opening.timer, opening.delayMs);
    opening.delayMs = Math.min(reopenMsMax, 2 * opening.delayMs);
  }

  #forget(channel: LiveChannel): void {
    const opening = this.#openings.get(channel);
    if (opening !== undefined) this.#host.wheel.disarm(opening.timer);
    this.#openings.delete(channel);
  }

  /** Called in a `target`: starts nothing. */
  #claim(lane: BulkLane, token: Uint8Array, identity: PeerIdentity): LaneEnd | undefined {
    let claimed: LiveChannel | undefined = undefined;
    for (const [channel, expected] of this.#tokens) {
      if (isSameSecret(expected, token)) claimed = channel;
    }
    if (claimed === undefined) return undefined;
    const channel: LiveChannel = claimed;
    this.#tokens.delete(channel);
    const writes = this.#host.writesOf(channel);
    const isPeer = channel.isConnected && isSameParty(identity, channel.identity);
    if (writes === undefined || !isPeer) return undefined;
    const host = this.#endHost(
      channel,
      () => undefined,
      () => {
        this.#closed(lane);
      },
    );
    const end = new LaneEnd(host, writes);
    this.#join(channel, end, lane);
    end.linkUp(identity);
    assert(end.isUp, 'an end that was claimed is up');
    return end;
  }

  /** The end is that of the channel from now on. */
  #join(channel: LiveChannel, end: LaneEnd, lane: BulkLane): void {
    channel.lane?.close();
    end.attach(lane);
    channel.lane = end;
    this.#ends.set(end, channel);
  }

  #endHost(channel: LiveChannel, down: () => void, closed: () => void): LaneEndHost {
    return {
      wheel: this.#host.wheel,
      identity: channel.identity,
      corrupt: () => {
        this.corrupt(channel);
      },
      down: (end) => {
        this.#ends.delete(end);
        if (channel.lane === end) channel.lane = undefined;
        down();
        this.#wake();
      },
      closed,
    };
  }

  #closed(lane: BulkLane): void {
    this.#lanes.delete(lane);
    this.#wake();
  }

  #when(isSo: () => boolean): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter = (): void => {
        if (!isSo()) return;
        this.#waiters.delete(waiter);
        resolve();
      };
      this.#waiters.add(waiter);
    });
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }
}

interface GuestHost {
  claim(token: Uint8Array, identity: PeerIdentity): LaneEnd | undefined;
  close(): void;
  closed(): void;
}

/** The sink of a lane that came; once it has said whose it is, that end's. */
class Guest implements LaneSink {
  readonly #host: GuestHost;
  readonly #header = new BodyHeader();
  #identity: PeerIdentity | undefined = undefined;
  #end: LaneEnd | undefined = undefined;
  /** The body that arrives is the one that said it. */
  #isClaiming = false;

  constructor(host: GuestHost) {
    this.#host = host;
  }

  linkUp(identity: PeerIdentity): void {
    this.#identity = identity;
  }

  linkDown(fault: Fault): void {
    if (this.#end === undefined) this.#host.close();
    else this.#end.linkDown(fault);
  }

  // HOT:
  target(header: Uint8Array, byteLength: number): LaneBytes | undefined {
    if (this.#end !== undefined) {
      this.#isClaiming = false;
      return this.#end.target(header, byteLength);
    }
    const head = this.#header;
    const isHello = head.read(header) && head.kind === BodyKind.Hello && byteLength === 0;
    if (!isHello || this.#identity === undefined) return undefined;
    const token = header.subarray(head.tokenAt, head.tokenAt + tokenBytes);
    this.#end = this.#host.claim(token, this.#identity);
    this.#isClaiming = true;
    return this.#end === undefined ? undefined : noBytes;
  }

  // HOT:
  proceed(): boolean {
    return !this.#isClaiming && (this.#end?.proceed() ?? false);
  }

  // HOT:
  landed(): void {
    if (!this.#isClaiming) this.#end?.landed();
  }

  sent(): void {
    this.#end?.sent();
  }

  writable(): void {
    this.#end?.writable();
  }

  closed(): void {
    if (this.#end === undefined) this.#host.closed();
    else this.#end.closed();
  }
}

const noBytes = new Uint8Array(0);

/** The token, or why there is none. */
async function askForToken(channel: LiveChannel): Promise<Uint8Array | ErrorCode> {
  const head = new RequestHead(new Uint8Array(holderKeyBytes));
  head.set(TransferOp.Attach, 0, 0, 0, 0);
  try {
    const status = await channel.endpoint.submitTransaction(head.bytes);
    const answer = new AnswerReader();
    const isLegal = answer.read(0, status, 0, status.length) && answer.dataBytes === tokenBytes;
    return isLegal ? status.slice(answer.dataAt, answer.dataAt + tokenBytes) : ErrorCode.Corrupt;
  } catch (error) {
    if (error instanceof IdcError) return error.code;
    throw error;
  }
}
