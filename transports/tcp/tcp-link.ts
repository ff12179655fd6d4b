/**
 * TcpLink: one socket, its incoming frames and its outgoing buffer.
 *
 * Sinks are called from socket events, from timers and from `flush`, which is the transport's
 * `poll`; never from a Link method (law L5). A sink may call any method of its link from inside a
 * call, so state is stored before each call and read again after it.
 *
 * Whoever closes goes on reading, and drops what it reads, until the peer has ended its output too:
 * closing a socket with unread bytes would reset the connection and could destroy what was
 * committed before it reached the peer. The wait is bounded by `closeMs`.
 */
import type { Socket } from 'node:net';
import { assert, unreachable } from '../../core/assert.js';
import { deafSink } from '../../core/deaf-sink.js';
import type { Timer } from '../../core/runtime.js';
import { ClaimRefusal, closeMs, Fault, type Link, type LinkSink } from '../../core/transport.js';
import { Connection, type ConnectionOwner } from './connection.js';
import { FrameReader, NoFrame } from './framing.js';
import type { Flushable, LinkGroup } from './link-group.js';
import { SendBuffer } from './send-buffer.js';
import { SocketWriter } from './socket-writer.js';
import type { TcpAuthority } from './tcp-authority.js';
import { faultOf } from './tcp-fault.js';
import { adoptSocket, dialSocket, isSelfConnected, type SocketReader } from './tcp-socket.js';

/** In the order of a link's life. */
const LinkState = {
  /** Dials, or was accepted; `linkUp` is due. */
  Opening: 0,
  Up: 1,
  /** `linkDown` was told; waits for `close`. */
  Down: 2,
  /** `close` was called; `linkDown` and `closed` are due once the socket is closed. */
  Closing: 3,
  /** `close` was called after `linkDown`; `closed` is due. */
  Ending: 4,
  Closed: 5,
} as const;
type LinkState = (typeof LinkState)[keyof typeof LinkState];

/**
 * Full reads that a link may make between two polls. Then it stops reading until the next one, so
 * that a flood delays nobody for long (law L9; libuv alone would make 32 in a row), and a domain
 * that does not poll is not fed without end.
 */
const fullReadsMax = 4;

/** How often in one poll a link may say `writable` because the kernel took everything at once. */
const refillsMax = 4;

/** Takes over a connection that turned out to be a bulk lane. */
export type LaneTaker = (connection: Connection) => void;

export class TcpLink implements Link, Flushable, ConnectionOwner {
  readonly claimBytes: Uint8Array;

  readonly #group: LinkGroup;
  readonly #frameBytesMax: number = 0;
  readonly #reader: FrameReader;
  readonly #output: SendBuffer;
  readonly #connection: Connection;
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  #sink: LinkSink = deafSink;
  #state: LinkState = LinkState.Opening;
  /** Bounds the opening, then the closing. */
  #timer: Timer | undefined = undefined;
  #isListed = false;
  /** Inside a call of the sink after which we write anyway: no poll is needed. */
  #isWriteDue = false;
  #owesWritable = false;
  /** Read since the poll with the number `#lastPoll`. */
  #unpolledBytes = 0;
  #lastPoll = 0;
  #isPaused = false;
  /** Of an accepted link, until its first frame. */
  #takeLane: LaneTaker | undefined = undefined;
  /** The socket is no longer this link's. */
  #isGivenAway = false;

  private constructor(group: LinkGroup, makeSocket: (reader: SocketReader) => Socket) {
    const { frameBytesMax, sendBytes } = group.settings;
    this.#group = group;
    this.#frameBytesMax = frameBytesMax;
    this.#reader = new FrameReader(group.area, group.carries, frameBytesMax);
    this.#output = new SendBuffer(frameBytesMax, sendBytes);
    this.claimBytes = this.#output.bytes;
    this.#connection = new Connection(this, makeSocket);
    this.#socket = this.#connection.socket;
    this.#writer = new SocketWriter(this.#socket, this.#output, () => this.#drained());
  }

  /** A link that dials `authority`. Without one it fails like any other dial. */
  static dial(group: LinkGroup, authority: TcpAuthority | undefined, sink: LinkSink): TcpLink {
    const link = new TcpLink(group, (reader) => dialSocket(authority, reader));
    link.#sink = sink;
    link.#socket.once('connect', () => link.#connected());
    const { connectMs } = group.settings;
    link.#timer = group.runtime.scheduler.after(connectMs, () => link.#fall(Fault.TimedOut));
    return link;
  }

  /**
   * A link over a socket that a server accepted; `attach` must follow before any I/O. If its first
   * bytes are those of a lane it goes down and is `takeLane`'s.
   */
  static adopt(group: LinkGroup, accepted: Socket, takeLane?: LaneTaker): TcpLink {
    const link = new TcpLink(group, (reader) => adoptSocket(accepted, reader));
    link.#takeLane = takeLane;
    return link;
  }

  /** Gives an adopted link its sink, which gets `linkUp` when the caller has returned. */
  attach(sink: LinkSink): void {
    assert(this.#sink === deafSink, 'a link has one sink');
    this.#sink = sink;
    this.#group.runtime.scheduler.next(() => this.#rise());
  }

  // HOT:
  claim(byteLength: number): number {
    assert(byteLength > 0, 'a frame has bytes', 'BAD_ARGUMENT');
    if (this.#state !== LinkState.Up) return ClaimRefusal.Down;
    if (byteLength > this.#frameBytesMax) return ClaimRefusal.TooLarge;
    const offset = this.#output.claim(byteLength);
    if (offset < 0) this.#owesWritable = true;
    return offset;
  }

  /** If the link went down or was closed since the claim, the frame goes nowhere. */
  // HOT:
  commit(): void {
    this.#output.commit();
    if (this.#isUp()) this.#list();
  }

  abort(): void {
    this.#output.abort();
    if (this.#owesWritable) this.#list();
  }

  close(): void {
    switch (this.#state) {
      case LinkState.Opening:
        this.#state = LinkState.Closing;
        this.#socket.destroy();
        return;
      case LinkState.Up:
        this.#state = LinkState.Closing;
        this.#linger();
        return;
      case LinkState.Down:
        this.#state = LinkState.Ending;
        if (this.#socket.closed || this.#isGivenAway) {
          this.#group.runtime.scheduler.soon(() => this.released());
        }
        return;
      case LinkState.Closing:
      case LinkState.Ending:
      case LinkState.Closed:
        return;
      default:
        unreachable(this.#state);
    }
  }

  /** The group's poll: writes what is committed, and says `writable` if there is room again. */
  // HOT:
  flush(): void {
    this.#isListed = false;
    this.#noteTraffic();
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    this.#write();
    let refillCount = 0;
    while (this.#owesWritable && this.#isUp() && this.#output.hasRoom) {
      if (refillCount === refillsMax) {
        this.#list();
        return;
      }
      refillCount += 1;
      this.#owesWritable = false;
      this.#isWriteDue = true;
      this.#sink.writable();
      this.#isWriteDue = false;
      this.#write();
    }
  }

  place(): Uint8Array {
    return this.#group.area.placeAfter(this.#reader.carriedBytes);
  }

  /** One read. What the sink answers to it leaves at once, without waiting for a poll. */
  // HOT:
  landed(byteLength: number): boolean {
    if (this.#isUp()) {
      this.#isWriteDue = true;
      const frameCount = this.#deliver(byteLength);
      this.#isWriteDue = false;
      this.#write();
      if (this.#owesWritable) this.#list();
      if (frameCount > 0) this.#noteTraffic();
      this.#group.sawRead(frameCount);
    }
    return this.#mayReadOn(byteLength);
  }

  /** The sink may close the link in any of its calls; then it hears no more. */
  // HOT:
  #deliver(readBytes: number): number {
    const reader = this.#reader;
    const { bytes } = this.#group.area;
    let count = 0;
    reader.landed(readBytes);
    let byteLength = reader.next();
    while (byteLength > 0) {
      this.#sink.frame(bytes, reader.offset, byteLength);
      count += 1;
      if (!this.#isUp()) return count;
      byteLength = reader.next();
    }
    if (count > 0) this.#takeLane = undefined;
    if (byteLength === NoFrame.Lane) this.#giveAway();
    else if (byteLength === NoFrame.Corrupt) this.#fall(Fault.Corrupt);
    return count;
  }

  // HOT:
  #mayReadOn(byteLength: number): boolean {
    const { pollCount, settings } = this.#group;
    if (this.#lastPoll !== pollCount) this.#unpolledBytes = 0;
    this.#lastPoll = pollCount;
    this.#unpolledBytes += byteLength;
    if (this.#unpolledBytes < fullReadsMax * settings.readBytes) return true;
    this.#isPaused = true;
    this.#list();
    return false;
  }

  // HOT:
  #noteTraffic(): void {
    if (this.#sink.isBulk !== true) this.#group.noteTraffic();
  }

  // HOT:
  #list(): void {
    if (this.#isListed || this.#isWriteDue) return;
    this.#isListed = true;
    this.#group.list(this);
  }

  // HOT:
  #write(): void {
    if (this.#isUp()) this.#writer.write();
  }

  /** `writable` is left to the poll: the sink may refill the buffer, and so on without an end. */
  #drained(): void {
    this.#write();
    if (this.#owesWritable) this.#list();
  }

  #connected(): void {
    if (isSelfConnected(this.#socket)) this.#fall(Fault.Refused);
    else this.#rise();
  }

  #rise(): void {
    if (this.#state !== LinkState.Opening) return;
    this.#cancelTimer();
    this.#state = LinkState.Up;
    this.#sink.linkUp(this.#connection.identity());
  }

  failed(error: Error): void {
    this.#fall(faultOf(error, this.#isUp() ? Fault.Reset : Fault.Unreachable));
  }

  /** An orderly peer ends between two frames; one that was killed may end anywhere. */
  ended(): void {
    this.#fall(this.#reader.carriedBytes === 0 ? Fault.Closed : Fault.Reset);
  }

  /** It is no link at all; whoever owns the connection next hears of it from the socket. */
  #giveAway(): void {
    const takeLane = this.#takeLane;
    if (takeLane === undefined) {
      this.#fall(Fault.Corrupt);
      return;
    }
    this.#isGivenAway = true;
    this.#state = LinkState.Down;
    this.#reader.release();
    this.#sink.linkDown(Fault.Closed);
    takeLane(this.#connection);
  }

  /** The link is over, and not by `close`. What was not written yet is lost. */
  #fall(fault: Fault): void {
    if (this.#state > LinkState.Up) return;
    this.#cancelTimer();
    this.#state = LinkState.Down;
    this.#reader.release();
    this.#socket.destroy();
    this.#sink.linkDown(fault);
  }

  /** The socket closes by itself when both ends have ended their output. */
  #linger(): void {
    this.#reader.release();
    this.#writer.end();
    const { scheduler } = this.#group.runtime;
    this.#timer = scheduler.after(closeMs, () => this.#socket.destroy());
  }

  released(): void {
    this.#fall(Fault.Reset); // If the socket closed without a word.
    if (this.#state === LinkState.Down) return;
    this.#cancelTimer();
    const sink = this.#sink;
    if (this.#state === LinkState.Closing) {
      this.#state = LinkState.Ending;
      sink.linkDown(Fault.Closed);
    }
    this.#state = LinkState.Closed;
    this.#sink = deafSink;
    sink.closed();
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #isUp(): boolean {
    return this.#state === LinkState.Up;
  }
}
