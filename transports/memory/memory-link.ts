/**
 * MemoryLink: one end of a link. Two ends know each other directly.
 *
 * Each end writes its own outgoing pipe and reads its peer's. A Link method never calls a sink
 * (law L5): it changes state, and queues the end that has something to be told for a turn in the
 * poll of that end's own transport. Every call of a sink starts in `turn`.
 *
 * A sink may call any method of its link from inside a call, so state is stored before each call
 * and read again after it.
 */
import { assert } from '../../core/assert.js';
import { deafSink } from '../../core/deaf-sink.js';
import type { Runtime, Timer } from '../../core/runtime.js';
import {
  ClaimRefusal,
  closeMs,
  Fault,
  type Link,
  type LinkSink,
  type PeerIdentity,
} from '../../core/transport.js';
import { MemoryPipe } from './memory-pipe.js';
import type { ReadyQueue, TurnTaker } from './ready-queue.js';

/** What the links of one transport have in common. */
export interface LinkSetting {
  readonly runtime: Runtime;
  readonly ready: ReadyQueue;
  readonly frameBytesMax: number;
  readonly ringBytes: number;
}

/** In the order of a link's life. */
const LinkState = {
  /** Waits for a listener. */
  Dialling: 0,
  /** Has a peer; `linkUp` is due. */
  Joined: 1,
  Up: 2,
  /** Lost its peer; `linkDown` is due. */
  Cut: 3,
  /** `linkDown` was told; waits for `close`. */
  Down: 4,
  /** `close` was called; `linkDown` and `closed` are due once everything is delivered. */
  Closing: 5,
  /** `close` was called after `linkDown`; `closed` is due. */
  Ending: 6,
  Closed: 7,
} as const;
type LinkState = (typeof LinkState)[keyof typeof LinkState];

export class MemoryLink implements Link, TurnTaker {
  /** The listening name that the link was dialled by. */
  readonly name: string;
  readonly claimBytes: Uint8Array;
  isQueued = false;
  nextQueued: TurnTaker | undefined = undefined;

  readonly #setting: LinkSetting;
  readonly #ready: ReadyQueue;
  readonly #frameBytesMax: number = 0;
  readonly #outgoing: MemoryPipe;
  readonly #forget: (link: MemoryLink) => void;
  #state: LinkState = LinkState.Dialling;
  #sink: LinkSink = deafSink;
  /** The other end, from `join` until either end is cut or closed. */
  #peer: MemoryLink | undefined = undefined;
  /** What `linkDown` will say. */
  #fault: Fault = Fault.Closed;
  #closeTimer: Timer | undefined = undefined;
  #isOverdue = false;

  /** `forget` is called when the link is closed, before its sink is told. */
  constructor(setting: LinkSetting, name: string, forget: (link: MemoryLink) => void) {
    this.name = name;
    this.#setting = setting;
    this.#ready = setting.ready;
    this.#frameBytesMax = setting.frameBytesMax;
    this.#outgoing = new MemoryPipe(setting.ringBytes);
    this.#forget = forget;
    this.claimBytes = this.#outgoing.bytes;
  }

  get isDialling(): boolean {
    return this.#state === LinkState.Dialling;
  }

  attach(sink: LinkSink): void {
    assert(this.#sink === deafSink, 'a link has one sink');
    this.#sink = sink;
  }

  /** Makes this and `peer` the two ends of one link. */
  join(peer: MemoryLink): void {
    assert(this.isDialling && peer.isDialling, 'only free ends are joined');
    this.#meet(peer);
    peer.#meet(this);
  }

  /** Parts the ends. What was not delivered is lost; both are told `fault`. */
  cut(fault: Fault): void {
    const peer = this.#peer;
    this.#lose(fault);
    if (peer !== undefined) peer.#lose(fault);
  }

  // HOT:
  claim(byteLength: number): number {
    assert(byteLength > 0, 'a frame has bytes', 'BAD_ARGUMENT');
    if (this.#state !== LinkState.Up) return ClaimRefusal.Down;
    if (byteLength > this.#frameBytesMax) return ClaimRefusal.TooLarge;
    return this.#outgoing.claim(byteLength);
  }

  /** If the link was cut since the claim there is no peer any more, and the frame goes nowhere. */
  // HOT:
  commit(): void {
    this.#outgoing.commit();
    const peer = this.#peer;
    if (peer !== undefined) peer.#ready.push(peer);
  }

  abort(): void {
    this.#outgoing.abort();
  }

  close(): void {
    if (this.#state >= LinkState.Closing) return;
    this.#state = this.#state === LinkState.Down ? LinkState.Ending : LinkState.Closing;
    this.#ready.push(this);
  }

  // HOT:
  turn(limit: number): number {
    switch (this.#state) {
      case LinkState.Up:
        return this.#move(limit);
      case LinkState.Joined:
        return this.#rise();
      case LinkState.Cut:
        return this.#fall();
      case LinkState.Closing:
        return this.#linger();
      case LinkState.Ending:
        return this.#end();
      case LinkState.Dialling:
      case LinkState.Down:
      case LinkState.Closed:
        return 0; // Queued in another state; in this one nothing is due.
    }
  }

  /** Delivers frames, then says `writable` if it is due, then notices that the peer closed. */
  // HOT:
  #move(limit: number): number {
    const peer = this.#peer;
    assert(peer !== undefined, 'a link that is up has a peer');
    const incoming = peer.#outgoing;
    let handled = this.#deliver(incoming, limit);
    if (incoming.owesWritable) peer.#ready.push(peer);
    if (this.#isUp() && this.#outgoing.takeWritable()) {
      handled += 1;
      this.#sink.writable();
    }
    if (!incoming.isEmpty) this.#ready.push(this);
    else if (peer.#state === LinkState.Closing) this.cut(Fault.Closed);
    return handled;
  }

  /** A sink that closes the link inside a call, or has it cut, hears of no further frame. */
  // HOT:
  #deliver(incoming: MemoryPipe, limit: number): number {
    let count = 0;
    while (count < limit && this.#isUp()) {
      const offset = incoming.peek();
      if (offset < 0) break;
      this.#sink.frame(incoming.bytes, offset, incoming.peekedBytes);
      incoming.release();
      count += 1;
    }
    return count;
  }

  #rise(): number {
    this.#state = LinkState.Up;
    // Frames may be waiting, or the peer may be closing already.
    this.#ready.push(this);
    this.#sink.linkUp(this.#identity());
    return 1;
  }

  #fall(): number {
    this.#state = LinkState.Down;
    this.#sink.linkDown(this.#fault);
    return 1;
  }

  /** Waits until the peer has read everything, does not read any more, or took too long over it. */
  #linger(): number {
    const peer = this.#peer;
    const isAwaited = peer !== undefined && peer.#isReading() && !this.#outgoing.isEmpty;
    if (isAwaited && !this.#isOverdue) {
      this.#closeTimer ??= this.#setting.runtime.scheduler.after(closeMs, () => {
        this.#isOverdue = true;
        this.#ready.push(this);
      });
      return 0;
    }
    this.#peer = undefined;
    if (peer !== undefined) peer.#lose(isAwaited ? Fault.Reset : Fault.Closed);
    this.#state = LinkState.Ending;
    this.#sink.linkDown(this.#fault);
    return 1 + this.#end();
  }

  #end(): number {
    this.#state = LinkState.Closed;
    this.#closeTimer?.cancel();
    this.#forget(this);
    const sink = this.#sink;
    this.#sink = deafSink;
    sink.closed();
    return 1;
  }

  #meet(peer: MemoryLink): void {
    this.#peer = peer;
    this.#state = LinkState.Joined;
    this.#ready.push(this);
  }

  #lose(fault: Fault): void {
    this.#peer = undefined;
    if (this.#state > LinkState.Up && this.#state !== LinkState.Closing) return;
    if (this.#state !== LinkState.Closing) this.#state = LinkState.Cut;
    this.#fault = fault;
    this.#ready.push(this);
  }

  #isUp(): boolean {
    return this.#state === LinkState.Up;
  }

  #isReading(): boolean {
    return this.#state === LinkState.Up || this.#state === LinkState.Joined;
  }

  #identity(): PeerIdentity {
    return Object.freeze({ kind: 'unproven', name: '', origin: `memory://${this.name}` });
  }
}
