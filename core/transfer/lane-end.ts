/**
 * LaneEnd: this side's end of the bulk lane of a channel's epoch. It hands incoming bodies to who
 * waits for them, says when outgoing memory is free again, and closes a lane that no longer moves.
 *
 * Nothing that is promised depends on a lane: it may go at any time. What was on it is then told to
 * be lost, and its transactions on the channel say what became of it.
 */
import { assert } from '../assert.js';
import type { BulkLane, LaneBytes, LaneSink } from '../bulk-lane.js';
import { WheelTimer, type TimerWheel } from '../timer-wheel.js';
import { Fault, type PeerIdentity } from '../transport.js';
import { BodyHeader, BodyHeads, BodyKind } from './lane-wire.js';
import type { LaneWrites } from './lane-writes.js';

/**
 * How long memory that somebody wants back may stay with the lane, in milliseconds. A peer that
 * reads takes what is under way in far less.
 */
const abandonMs = 250;
/** A lane that has something to do and moves nothing for so long is closed, in milliseconds. */
const stallMs = 10_000;

/** A body that is on its way out of this side's memory. */
export interface Outgoing {
  /** Exactly once: the lane reads the memory no more. False if the lane was lost. */
  released(wasSent: boolean): void;
}

/** Where a body goes that a LaneRead asked for. */
export interface Landing {
  readonly byteLength: number;
  /** HOT: no byte is written there before this, or after `forget`. */
  target(): LaneBytes;
  /** All of it is there. */
  landed(): void;
  /** It will not come: the lane is gone. */
  lost(): void;
}

export interface LaneEndHost {
  readonly wheel: TimerWheel;
  /** The peer's identity on the channel: a lane with another one is none of it. */
  readonly identity: PeerIdentity | undefined;
  /** The peer broke the rules. Calls nobody else before it returns. */
  corrupt(): void;
  /** No memory of this side is used any more. */
  down(end: LaneEnd): void;
  closed(): void;
}

export class LaneEnd implements LaneSink {
  readonly heads: BodyHeads = new BodyHeads();
  /** What the peer writes into buffers of this domain. */
  readonly writes: LaneWrites;
  readonly #host: LaneEndHost;
  readonly #header = new BodyHeader();
  /** What the dialling end says first. */
  readonly #token: Uint8Array | undefined;
  #lane: BulkLane | undefined = undefined;
  #isUp = false;
  #isClosed = false;
  readonly #outgoing: Outgoing[] = [];
  /** Counts of bodies: sent so far, released, and those to be released by the next look. */
  #sentThrough = 0;
  #releasedThrough = 0;
  #wantedThrough = 0;
  #dueThrough = 0;
  readonly #landings = new Map<number, Landing>();
  #arriving: Landing | undefined = undefined;
  /** The body that arrives is a Write. */
  #isWriteArriving = false;
  /** Moves each time that something happens on the lane. */
  #moves = 0;
  #movesSeen = 0;
  readonly #abandonTimer = new WheelTimer(() => {
    this.#judgeWanted();
  });
  readonly #stallTimer = new WheelTimer(() => {
    this.#judgeMoves();
  });

  /** `token`: of the end that dials. */
  constructor(host: LaneEndHost, writes: LaneWrites, token?: Uint8Array) {
    this.#host = host;
    this.writes = writes;
    this.#token = token;
  }

  /** HOT: bodies can be sent. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Right after its creation: the lane whose sink it is. */
  attach(lane: BulkLane): void {
    this.#lane = lane;
  }

  /** HOT: false if the lane does not take it, and `outgoing` will not hear of it. */
  send(header: Uint8Array, source: LaneBytes, outgoing: Outgoing, isLong: boolean): boolean {
    if (!this.#isUp || this.#lane?.send(header, source, isLong) !== 0) return false;
    this.#outgoing.push(outgoing);
    this.#sentThrough++;
    this.#watch();
    return true;
  }

  /** HOT: a body with that number is going to come. */
  expect(number: number, landing: Landing): void {
    assert(!this.#landings.has(number), 'a body has a number of its own');
    this.#landings.set(number, landing);
    this.#watch();
  }

  /** HOT: nothing is written to its target any more. Idempotent. */
  forget(number: number): void {
    this.#landings.delete(number);
  }

  /** Somebody wants memory back that was sent: it is free in bounded time, if it takes the lane. */
  hurry(): void {
    if (this.#releasedThrough === this.#sentThrough) return;
    this.#wantedThrough = this.#sentThrough;
    if (this.#abandonTimer.isArmed) return;
    this.#dueThrough = this.#wantedThrough;
    this.#host.wheel.arm(this.#abandonTimer, abandonMs);
  }

  /** Idempotent; what is under way is lost. */
  close(): void {
    this.#isUp = false;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#lane?.close();
  }

  linkUp(identity: PeerIdentity): void {
    if (this.#isClosed) return;
    if (!isSameParty(identity, this.#host.identity)) {
      this.close();
      return;
    }
    this.#isUp = true;
    if (this.#token === undefined) return;
    this.send(this.heads.hello(this.#token), noBytes, nobody, false);
  }

  linkDown(fault: Fault): void {
    this.#isUp = false;
    const { wheel } = this.#host;
    wheel.disarm(this.#abandonTimer);
    wheel.disarm(this.#stallTimer);
    if (fault === Fault.Corrupt) this.#host.corrupt();
    this.writes.lost();
    for (const outgoing of this.#outgoing.splice(0)) outgoing.released(false);
    const landings = [...this.#landings.values()];
    this.#landings.clear();
    for (const landing of landings) landing.lost();
    this.#host.down(this);
    this.close();
  }

  // HOT:
  target(header: Uint8Array, byteLength: number): LaneBytes | undefined {
    const head = this.#header;
    this.#moves++;
    this.#arriving = undefined;
    this.#isWriteArriving = false;
    if (!head.read(header) || head.kind === BodyKind.Hello) return this.#refuse();
    if (head.kind === BodyKind.Write) {
      this.#isWriteArriving = true;
      const target = this.writes.target(head, byteLength);
      return target === 'illegal' ? this.#refuse() : target;
    }
    // Somebody who has given up since is not there.
    const landing = this.#landings.get(head.number);
    if (landing === undefined) return undefined;
    if (landing.byteLength !== byteLength) return this.#refuse();
    this.#arriving = landing;
    return landing.target();
  }

  // HOT:
  proceed(): boolean {
    this.#moves++;
    if (this.#isWriteArriving) return this.writes.proceed();
    const arriving = this.#arriving;
    return arriving !== undefined && this.#landings.get(this.#header.number) === arriving;
  }

  // HOT:
  landed(): void {
    if (this.#isWriteArriving) {
      this.writes.landed();
      return;
    }
    const arriving = this.#arriving;
    this.#arriving = undefined;
    if (arriving === undefined || !this.#landings.delete(this.#header.number)) return;
    arriving.landed();
  }

  sent(): void {
    this.#moves++;
    this.#releasedThrough++;
    this.#outgoing.shift()?.released(true);
  }

  writable(): void {
    // Nobody waits: whoever is refused comes again by the answer of the peer.
  }

  closed(): void {
    this.#host.closed();
  }

  /** No target: no legal peer sends this. */
  #refuse(): LaneBytes | undefined {
    this.#host.corrupt();
    this.close();
    return undefined;
  }

  #judgeWanted(): void {
    if (this.#releasedThrough < this.#dueThrough) {
      this.close();
    } else if (this.#releasedThrough < this.#wantedThrough) {
      this.#dueThrough = this.#wantedThrough;
      this.#host.wheel.arm(this.#abandonTimer, abandonMs);
    }
  }

  #watch(): void {
    if (this.#stallTimer.isArmed) return;
    this.#movesSeen = this.#moves;
    this.#host.wheel.arm(this.#stallTimer, stallMs);
  }

  /** Looks only while there is something to do, so an idle lane wakes nobody. */
  #judgeMoves(): void {
    if (this.#outgoing.length === 0 && this.#landings.size === 0) return;
    if (this.#moves === this.#movesSeen) this.close();
    else this.#watch();
  }
}

/** True if both are proven to be the same, or neither is proven to be anybody. */
export function isSameParty(one: PeerIdentity, other: PeerIdentity | undefined): boolean {
  return one.kind === other?.kind && one.name === other.name;
}

const noBytes = new Uint8Array(0);

const nobody: Outgoing = { released: () => undefined };
