/**
 * RingLink: one end of a link over two rings in shared memory, its own and the peer's.
 *
 * A Link method never calls a sink (law L5); every call of a sink starts in `turn`, in the poll of
 * the link's group. The group visits links that are awake. A link that sleeps has said so in its
 * own memory, and wakes by the peer's doorbell, a method of its own or its timer.
 *
 * A sink may call any method of its link from inside a call, so state is stored before each call
 * and read again after it.
 */
import { assert } from '../../core/assert.js';
import { deafSink } from '../../core/deaf-sink.js';
import type { Timer } from '../../core/runtime.js';
import {
  ClaimRefusal,
  closeMs,
  Fault,
  type Link,
  type LinkSink,
  type PeerIdentity,
} from '../../core/transport.js';
import type { OwnMemory, PeerMemory } from './region.js';
import type { LinkGroup } from './link-group.js';
import { PeekRefusal, RingReader } from './ring-reader.js';
import { RingWriter } from './ring-writer.js';
import { Sleeper } from './sleeper.js';
import type { Wire } from './wire.js';

/** In the order of a link's life. */
const LinkState = {
  /** Has no peer yet. */
  Opening: 0,
  /** Has a peer; `linkUp` is due. */
  Joined: 1,
  Up: 2,
  /** `linkDown` is due. */
  Cut: 3,
  /** `linkDown` was told; waits for `close`. */
  Down: 4,
  /** `close` was called; the peer may still read what was committed. */
  Closing: 5,
  /** `close` was called after `linkDown`; `closed` is due. */
  Ending: 6,
  Closed: 7,
} as const;
type LinkState = (typeof LinkState)[keyof typeof LinkState];

/** What a rendezvous found. */
export interface Meeting {
  readonly wire: Wire;
  readonly memory: PeerMemory;
  readonly identity: PeerIdentity;
}

/** How often in one turn a link may say `writable`. */
const refillsMax = 4;

/** Frames that a closing link drops in one turn. */
const droppedMax = 1024;

export class RingLink implements Link {
  readonly claimBytes: Uint8Array;
  /** True while the group visits it; only the group writes it. */
  isAwake = false;
  /** Visits in a row in which nothing happened. */
  idleTurns = 0;

  readonly #group: LinkGroup;
  readonly #own: OwnMemory | undefined;
  readonly #frameBytesMax: number = 0;
  readonly #abandon: () => void;
  readonly #sleeper: Sleeper | undefined;
  #state: LinkState = LinkState.Opening;
  #sink: LinkSink;
  #meeting: Meeting | undefined = undefined;
  #writer: RingWriter | undefined = undefined;
  #reader: RingReader | undefined = undefined;
  /** Committed since the last turn. */
  #isDirty = false;
  /** There is room for what was refused, but nobody was told yet. */
  #isWritableDue = false;
  /** Delivered since the wire ended. */
  #ebbBytes = 0;
  /** What `linkDown` will say. */
  #fault: Fault = Fault.Closed;
  #closeTimer: Timer | undefined = undefined;
  #isOverdue = false;

  /**
   * `own` becomes the link's; without it, the fault follows. `abandon` ends the search for a peer
   * when the link is closed before it has one.
   */
  constructor(group: LinkGroup, own: OwnMemory | undefined, sink?: LinkSink, abandon?: () => void) {
    this.#group = group;
    this.#own = own;
    this.#frameBytesMax = group.settings.frameBytesMax;
    this.#sink = sink ?? deafSink;
    this.#abandon = abandon ?? ((): void => undefined);
    this.#sleeper = own === undefined ? undefined : new Sleeper(own.views);
    this.claimBytes = own === undefined ? new Uint8Array(0) : own.views.bytes;
  }

  attach(sink: LinkSink): void {
    assert(this.#sink === deafSink, 'a link has one sink');
    this.#sink = sink;
  }

  /** A peer was found. The link owns the meeting; if it was closed meanwhile, it lets go of it. */
  join(meeting: Meeting): void {
    if (this.#state !== LinkState.Opening || this.#own === undefined) {
      meeting.wire.close();
      meeting.memory.release();
      return;
    }
    this.#state = LinkState.Joined;
    this.#meeting = meeting;
    this.#writer = new RingWriter(this.#own.views, meeting.memory.views);
    this.#reader = new RingReader(meeting.memory.views, this.#own.views);
    meeting.wire.watch(() => {
      this.#group.awaken(this);
    });
    this.#group.joined(this);
    this.#group.awaken(this);
  }

  /** No peer was found. */
  fail(fault: Fault): void {
    if (this.#state !== LinkState.Opening) return;
    this.#state = LinkState.Cut;
    this.#fault = fault;
    this.#group.awaken(this);
  }

  // HOT:
  claim(byteLength: number): number {
    assert(byteLength > 0, 'a frame has bytes', 'BAD_ARGUMENT');
    const writer = this.#writer;
    if (this.#state !== LinkState.Up || writer === undefined) return ClaimRefusal.Down;
    if (byteLength > this.#frameBytesMax) return ClaimRefusal.TooLarge;
    return writer.claim(byteLength);
  }

  /** If the link went down or was closed since the claim, the frame goes nowhere. */
  // HOT:
  commit(): void {
    const writer = this.#writer;
    assert(writer !== undefined, 'commit without a claim', 'BAD_ARGUMENT');
    writer.commit();
    if (this.#isDirty) return;
    this.#isDirty = true;
    // The first of a turn is seen at once: a single request need not wait for this turn to end.
    writer.show();
    this.#group.awaken(this);
  }

  abort(): void {
    assert(this.#writer !== undefined, 'abort without a claim', 'BAD_ARGUMENT');
    this.#writer.abort();
    if (this.#writer.owesWritable) this.#group.awaken(this);
  }

  close(): void {
    if (this.#state >= LinkState.Closing) return;
    if (this.#state === LinkState.Opening) this.#abandon();
    this.#state = this.#state === LinkState.Down ? LinkState.Ending : LinkState.Closing;
    this.#group.awaken(this);
  }

  /** Tells what is due, at most `limit` frames of it; negative if nothing ever is in this state. */
  // HOT:
  turn(limit: number): number {
    if (this.#sleeper?.isAsleep === true) this.#sleeper.wake();
    this.#isDirty = false;
    const handled = this.#step(limit);
    // A sink that was told `linkDown` usually closes at once.
    return this.#isEnding() ? handled + this.#end() : handled;
  }

  #isEnding(): boolean {
    return this.#state === LinkState.Ending;
  }

  // HOT:
  #step(limit: number): number {
    switch (this.#state) {
      case LinkState.Up:
        return this.#move(limit);
      case LinkState.Joined:
        return this.#rise();
      case LinkState.Cut:
        return this.#fall(this.#fault);
      case LinkState.Closing:
        return this.#linger();
      case LinkState.Ending:
        return this.#end();
      case LinkState.Opening:
      case LinkState.Down:
      case LinkState.Closed:
        return -1;
    }
  }

  /** Publishes, and asks for the doorbell. False if something is there already. */
  sleep(): boolean {
    switch (this.#state) {
      case LinkState.Opening:
      case LinkState.Down:
      case LinkState.Closed:
        return true;
      case LinkState.Joined:
      case LinkState.Cut:
      case LinkState.Ending:
        return false;
      case LinkState.Up:
        return this.#fallAsleep();
      case LinkState.Closing:
        // Closed by its sink, in its turn: the end is not said yet, nor is its time limited.
        return this.#closeTimer !== undefined && this.#fallAsleep();
    }
  }

  /** A link that sleeps has something to do; for a domain that does not hear doorbells. */
  hasCome(): boolean {
    const writer = this.#writer;
    const reader = this.#reader;
    if (writer === undefined || reader === undefined) return false;
    if (this.#state === LinkState.Closing) return this.#isOver(writer, reader);
    if (this.#state !== LinkState.Up) return false;
    this.#isWritableDue ||= writer.takeWritable();
    if (this.#isWritableDue || writer.isCorrupt || this.#isDirty) return true;
    if (reader.peek() !== PeekRefusal.Nothing || reader.isPeerEnded) return true;
    return this.#meeting?.wire.isEnded === true;
  }

  /** Looks at the wire, which otherwise only the event loop hears. */
  look(): void {
    this.#meeting?.wire.look();
  }

  #fallAsleep(): boolean {
    const writer = this.#writer;
    const reader = this.#reader;
    // Closed before it had a peer: that is told in the next turn.
    if (writer === undefined || reader === undefined) return false;
    this.#isDirty = false;
    const isBellDue = writer.publish();
    // Both ask, for the peer may wait for frames, for room or for both.
    if (reader.publish() || isBellDue) this.#ring();
    this.#sleeper?.sleep(this.#state === LinkState.Closing || writer.owesWritable);
    if (!this.hasCome()) return true;
    this.#sleeper?.wake();
    return false;
  }

  // HOT:
  #move(limit: number): number {
    const writer = this.#writer;
    const reader = this.#reader;
    assert(writer !== undefined && reader !== undefined, 'a link that is up has rings');
    if (this.#meeting?.wire.isEnded === true) return this.#ebb(reader, limit);
    if (writer.publish()) this.#ring();
    let handled = 0;
    let offset: number = PeekRefusal.Nothing;
    const isEmpty = reader.looksEmpty;
    while (!isEmpty && handled < limit) {
      offset = reader.peek();
      if (offset < 0) break;
      this.#sink.frame(reader.bytes, offset, reader.peekedBytes);
      handled += 1;
      reader.release();
      if (this.#state !== LinkState.Up) return handled;
    }
    if (writer.owesWritable || this.#isWritableDue) handled += this.#refill(writer);
    if (this.#isDirty) {
      this.#isDirty = false;
      if (writer.publish()) this.#ring();
    }
    if (handled > 0) {
      this.idleTurns = 0;
      return handled;
    }
    this.idleTurns += 1;
    // Not while answers are due: a store that the peer sees at once is a fence. Room for an eighth
    // of the ring is told in `release`, and before a sleep the rest.
    if (reader.publish()) this.#ring();
    if (this.#state !== LinkState.Up) return 0;
    if (offset === PeekRefusal.Corrupt || writer.isCorrupt) return this.#fall(Fault.Corrupt);
    return !reader.looksOpen && reader.isPeerEnded ? this.#fall(Fault.Closed) : 0;
  }

  /** A sink that is told `writable` may fill the ring again, and so on without an end. */
  #refill(writer: RingWriter): number {
    let count = 0;
    while (count < refillsMax && this.#state === LinkState.Up) {
      if (!this.#isWritableDue && !writer.takeWritable()) break;
      this.#isWritableDue = false;
      count += 1;
      this.#sink.writable();
      if (writer.publish()) this.#ring();
    }
    return count;
  }

  /**
   * The wire has ended: delivers what the peer had published by then, which is at most a ring, and
   * nothing of ours goes out any more.
   */
  // HOT:
  #ebb(reader: RingReader, limit: number): number {
    let handled = 0;
    let offset: number = reader.peek();
    while (offset >= 0 && handled < limit && this.#ebbBytes < reader.bytes.length) {
      this.#ebbBytes += reader.peekedBytes;
      this.#sink.frame(reader.bytes, offset, reader.peekedBytes);
      handled += 1;
      reader.release();
      if (this.#state !== LinkState.Up) return handled;
      offset = reader.peek();
    }
    if (offset === PeekRefusal.Corrupt) return handled + this.#fall(Fault.Corrupt);
    if (offset >= 0 && this.#ebbBytes < reader.bytes.length) return handled;
    return handled + this.#fall(reader.isPeerEnded ? Fault.Closed : Fault.Reset);
  }

  #rise(): number {
    const { identity } = this.#meeting ?? {};
    assert(identity !== undefined, 'a joined link has met its peer');
    this.#state = LinkState.Up;
    this.#sink.linkUp(identity);
    return 1;
  }

  /** The peer learns it at once: nothing more is published, and the wire ends. */
  #fall(fault: Fault): number {
    this.#state = LinkState.Down;
    if (this.#writer?.end() === true) this.#ring();
    this.#meeting?.wire.close();
    this.#sink.linkDown(fault);
    return 1;
  }

  /** Waits until the peer has read everything, does not read any more, or took too long over it. */
  #linger(): number {
    const writer = this.#writer;
    const reader = this.#reader;
    if (writer !== undefined && reader !== undefined && !this.#isOverdue) {
      if (writer.end()) this.#ring();
      this.#drop(reader);
      if (!this.#isOver(writer, reader)) {
        const { scheduler } = this.#group.runtime;
        this.#closeTimer ??= scheduler.after(closeMs, () => {
          this.#isOverdue = true;
          this.#group.awaken(this);
        });
        this.idleTurns += 1;
        return 0;
      }
    }
    this.#state = LinkState.Ending;
    this.#sink.linkDown(this.#fault);
    return 1 + this.#end();
  }

  /** What comes after `close` goes nowhere, but a peer that closes too waits for its room. */
  #drop(reader: RingReader): void {
    let offset: number = reader.peek();
    for (let count = 0; offset >= 0 && count < droppedMax; count++) {
      reader.release();
      offset = reader.peek();
    }
    if (reader.publish()) this.#ring();
  }

  #isOver(writer: RingWriter, reader: RingReader): boolean {
    const isGone = this.#meeting?.wire.isEnded === true || reader.isPeerEnded;
    if (isGone || writer.isDrained || writer.isCorrupt) return true;
    return reader.peek() === PeekRefusal.Corrupt;
  }

  #end(): number {
    this.#state = LinkState.Closed;
    this.#closeTimer?.cancel();
    const { wire, memory } = this.#meeting ?? {};
    this.#group.parted(this);
    wire?.close();
    memory?.release();
    this.#own?.release();
    this.#meeting = undefined;
    this.#writer = undefined;
    this.#reader = undefined;
    const sink = this.#sink;
    this.#sink = deafSink;
    sink.closed();
    return 1;
  }

  #ring(): void {
    this.#meeting?.wire.ring();
  }
}
