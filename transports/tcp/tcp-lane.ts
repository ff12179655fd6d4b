/**
 * TcpLane: a bulk lane over one socket.
 *
 * It ends in one way only: the socket is destroyed, and `linkDown` is told when its handle is
 * closed. libuv closes the descriptor at once and ends a write that was under way before it says
 * that the handle is closed, so by then no memory of a source or a target is used (law N10).
 *
 * As with links, a sink may call methods from inside a call, so state is stored before each call
 * and read again after it.
 */
import type { Socket } from 'node:net';
import { assert, unreachable } from '../../core/assert.js';
import {
  bodyBytesMax,
  claimMs,
  laneHeaderBytesMax,
  type BulkLane,
  type LaneBytes,
  type LaneSink,
} from '../../core/bulk-lane.js';
import type { Timer } from '../../core/runtime.js';
import { ClaimRefusal, Fault } from '../../core/transport.js';
import { byteLengthOf } from './byte-walk.js';
import { Connection, type ConnectionOwner } from './connection.js';
import { LaneReader, type LaneReaderSink } from './lane-reader.js';
import { makePreamble } from './lane-wire.js';
import { LaneTurns } from './lane-turns.js';
import { LaneWriter } from './lane-writer.js';
import type { Flushable, LinkGroup } from './link-group.js';
import type { TcpAuthority } from './tcp-authority.js';
import { faultOf } from './tcp-fault.js';
import { dialSocket, isSelfConnected, watchEmptyReads } from './tcp-socket.js';

/** In the order of a lane's life. */
const LaneState = {
  /** Dials. */
  Opening: 0,
  /** Waits for the peer's preamble; or was accepted, and `linkUp` is due. */
  Greeting: 1,
  Up: 2,
  /** The socket is destroyed; `linkDown` is due. */
  Falling: 3,
  /** `linkDown` was told; waits for `close`. */
  Down: 4,
  /** `close` was called; `linkDown` and `closed` are due. */
  Closing: 5,
  /** `close` was called after `linkDown`; `closed` is due. */
  Ending: 6,
  Closed: 7,
} as const;
type LaneState = (typeof LaneState)[keyof typeof LaneState];

/** Stands in after `closed`, so that nothing is held. */
const deafLaneSink: LaneSink = {
  linkUp: () => undefined,
  linkDown: () => undefined,
  target: () => undefined,
  proceed: () => false,
  landed: () => undefined,
  sent: () => undefined,
  writable: () => undefined,
  closed: () => undefined,
};

export class TcpLane implements BulkLane, Flushable, ConnectionOwner, LaneReaderSink {
  readonly #group: LinkGroup;
  readonly #reader: LaneReader;
  readonly #connection: Connection;
  readonly #socket: Socket;
  readonly #writer: LaneWriter;
  readonly #turns: LaneTurns;
  #sink: LaneSink = deafLaneSink;
  #state: LaneState;
  /** Why it fell. */
  #fault: Fault = Fault.Closed;
  /** Bounds the opening, or how long it is unclaimed. */
  #timer: Timer | undefined = undefined;
  /** Of an accepted lane, until it is claimed or over. */
  #settled: (() => void) | undefined = undefined;
  #isListed = false;
  /** Inside a call of the sink after which we write anyway: no poll is needed. */
  #isWriteDue = false;
  #owesWritable = false;
  /** What the sink was told of the read that is being parsed. */
  #toldCount = 0;
  /** Since the poll with the number `#lastPoll`. */
  #turnReadBytes = 0;
  #turnWriteBytes = 0;
  #lastPoll = 0;
  #isPaused = false;

  private constructor(
    group: LinkGroup,
    state: LaneState,
    connect: (owner: ConnectionOwner) => Connection,
  ) {
    this.#group = group;
    this.#state = state;
    const isDialler = state === LaneState.Opening;
    this.#reader = new LaneReader(this, group.area.placeAfter(0), isDialler);
    this.#connection = connect(this);
    this.#socket = this.#connection.socket;
    this.#writer = new LaneWriter(this.#socket, () => this.#drained());
    this.#turns = new LaneTurns(group);
  }

  /** A lane that dials `authority`. Without one it fails like any other dial. */
  static dial(group: LinkGroup, authority: TcpAuthority | undefined, sink: LaneSink): TcpLane {
    const lane = new TcpLane(group, LaneState.Opening, (owner) => {
      return new Connection(owner, (reader) => dialSocket(authority, reader));
    });
    lane.#sink = sink;
    lane.#socket.once('connect', () => lane.#connected());
    const { connectMs } = group.settings;
    lane.#timer = group.runtime.scheduler.after(connectMs, () => lane.#fall(Fault.TimedOut));
    return lane;
  }

  /**
   * A lane over a connection whose peer has said that it is one; `attach` must follow at once.
   * `settled` is called when somebody claimed it, or it is over.
   */
  static adopt(group: LinkGroup, connection: Connection, settled: () => void): TcpLane {
    const lane = new TcpLane(group, LaneState.Greeting, (owner) => {
      connection.owner = owner;
      return connection;
    });
    lane.#settled = settled;
    return lane;
  }

  /** Gives an adopted lane its sink, which gets `linkUp` when the caller has returned. */
  attach(sink: LaneSink): void {
    assert(this.#sink === deafLaneSink, 'a lane has one sink');
    this.#sink = sink;
    if (this.#state !== LaneState.Greeting) return; // Closed by whoever accepted it.
    this.#greet();
    const { scheduler } = this.#group.runtime;
    this.#timer = scheduler.after(claimMs, () => this.#fall(Fault.TimedOut));
    scheduler.next(() => this.#rise());
  }

  // HOT:
  send(header: Uint8Array, source: LaneBytes, isLong = false): ClaimRefusal | 0 {
    const headerBytes = header.byteLength;
    assert(headerBytes > 0, 'a header has bytes', 'BAD_ARGUMENT');
    assert(headerBytes <= laneHeaderBytesMax, 'a header is short', 'BAD_ARGUMENT');
    if (this.#state !== LaneState.Up) return ClaimRefusal.Down;
    const byteLength = byteLengthOf(source);
    if (byteLength > bodyBytesMax) return ClaimRefusal.TooLarge;
    if (!this.#writer.hasRoom) {
      this.#owesWritable = true;
      return ClaimRefusal.BackPressured;
    }
    this.#writer.add(header, source, byteLength, isLong);
    this.#list();
    return 0;
  }

  close(): void {
    switch (this.#state) {
      case LaneState.Opening:
      case LaneState.Greeting:
      case LaneState.Up:
        this.#state = LaneState.Closing;
        this.#stop();
        return;
      case LaneState.Falling:
        this.#state = LaneState.Closing;
        return;
      case LaneState.Down:
        this.#state = LaneState.Ending;
        this.#group.runtime.scheduler.soon(() => this.#end());
        return;
      case LaneState.Closing:
      case LaneState.Ending:
      case LaneState.Closed:
        return;
      default:
        unreachable(this.#state);
    }
  }

  /** The group's poll: goes on reading and writing. */
  flush(): void {
    this.#isListed = false;
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    this.#write();
  }

  // HOT:
  place(): Uint8Array {
    return this.#reader.place();
  }

  /** One read. What the sink sends in answer leaves at once, without waiting for a poll. */
  // HOT:
  landed(byteLength: number): boolean {
    if (this.#state > LaneState.Up) return true;
    this.#isWriteDue = true;
    const isLegal = this.#reader.landed(byteLength);
    this.#isWriteDue = false;
    if (!isLegal) this.#fall(Fault.Corrupt);
    const toldCount = this.#toldCount;
    if (toldCount > 0) {
      // Only now: whatever this starts must not run before a read that was prepared for a target.
      this.#toldCount = 0;
      this.#write();
      this.#group.sawRead(toldCount);
    }
    return this.#mayReadOn(byteLength);
  }

  greeted(): void {
    this.#toldCount += 1;
    this.#cancelTimer();
    this.#rise();
  }

  targetFor(header: Uint8Array, byteLength: number): LaneBytes | undefined {
    const target = this.#sink.target(header, byteLength);
    if (this.#settled === undefined) return target;
    if (target === undefined) {
      this.#fall(Fault.AccessDenied);
    } else {
      this.#cancelTimer();
      this.#settle();
    }
    return target;
  }

  // HOT:
  mayProceed(header: Uint8Array): boolean {
    return this.#sink.proceed(header);
  }

  bodyLanded(header: Uint8Array): void {
    this.#toldCount += 1;
    this.#sink.landed(header);
  }

  failed(error: Error): void {
    const fault = faultOf(error, this.#isUp() ? Fault.Reset : Fault.Unreachable);
    // Who turns a dialler away may do so by a reset, as well.
    this.#fall(fault === Fault.Reset && !this.#isUp() ? Fault.Refused : fault);
  }

  /** Nobody half-closes a lane: a peer that ends its output is gone. */
  ended(): void {
    if (this.#state === LaneState.Greeting) this.#fall(Fault.Refused);
    else this.#fall(this.#reader.isBetweenRecords ? Fault.Closed : Fault.Reset);
  }

  released(): void {
    this.#fall(Fault.Reset); // If the socket closed without a word.
    this.#writer.release();
    const isClosing = this.#state === LaneState.Closing;
    this.#state = isClosing ? LaneState.Ending : LaneState.Down;
    this.#sink.linkDown(this.#fault);
    if (isClosing) this.#end();
  }

  #connected(): void {
    if (this.#state !== LaneState.Opening) return;
    if (isSelfConnected(this.#socket)) {
      this.#fall(Fault.Refused);
    } else {
      this.#state = LaneState.Greeting;
      this.#greet();
    }
  }

  #greet(): void {
    if (watchEmptyReads(this.#socket, () => this.#reader.idle())) this.#reader.readDirectly();
    this.#socket.write(makePreamble());
  }

  #rise(): void {
    if (this.#state !== LaneState.Greeting) return;
    this.#state = LaneState.Up;
    this.#sink.linkUp(this.#connection.identity());
  }

  /** The lane is over, and not by `close`. */
  #fall(fault: Fault): void {
    if (this.#state > LaneState.Up) return;
    this.#state = LaneState.Falling;
    this.#fault = fault;
    this.#stop();
  }

  #stop(): void {
    this.#cancelTimer();
    this.#settle();
    this.#reader.release();
    this.#socket.destroy();
  }

  #end(): void {
    const sink = this.#sink;
    this.#state = LaneState.Closed;
    this.#sink = deafLaneSink;
    sink.closed();
  }

  // HOT:
  #write(): void {
    const writer = this.#writer;
    if (!this.#isUp() || writer.isIdle) return;
    this.#noteTurn();
    const leftBytes = this.#turns.writeBytesMax(writer.isNextLong) - this.#turnWriteBytes;
    if (leftBytes > 0) this.#turnWriteBytes += writer.write(leftBytes);
    else this.#list();
  }

  /** A write has ended. */
  #drained(): void {
    this.#isWriteDue = true;
    this.#tellSent();
    this.#isWriteDue = false;
    this.#write();
  }

  #tellSent(): void {
    for (;;) {
      if (!this.#isUp()) return;
      const header = this.#writer.takeSent();
      if (header === undefined) break;
      this.#sink.sent(header);
    }
    if (!this.#owesWritable || !this.#writer.hasRoom) return;
    this.#owesWritable = false;
    this.#sink.writable();
  }

  // HOT:
  #mayReadOn(byteLength: number): boolean {
    this.#noteTurn();
    this.#turnReadBytes += byteLength;
    if (this.#turnReadBytes < this.#turns.readBytesMax) return true;
    this.#isPaused = true;
    this.#reader.pause();
    this.#group.runtime.scheduler.soon(this.#turned);
    this.#list();
    return false;
  }

  readonly #turned = (): void => {
    this.#reader.turned();
  };

  #noteTurn(): void {
    if (this.#lastPoll === this.#group.pollCount) return;
    this.#lastPoll = this.#group.pollCount;
    this.#turnReadBytes = 0;
    this.#turnWriteBytes = 0;
    this.#turns.next();
  }

  // HOT:
  #list(): void {
    if (this.#isListed || this.#isWriteDue) return;
    this.#isListed = true;
    this.#group.list(this);
  }

  #settle(): void {
    const settled = this.#settled;
    this.#settled = undefined;
    settled?.();
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #isUp(): boolean {
    return this.#state === LaneState.Up;
  }
}
