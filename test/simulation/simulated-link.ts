/**
 * SimulatedLink: one end of a link over a simulated network.
 *
 * Its own end knows what arrived over its incoming wire and what it was told; the other end learns
 * everything later. Every call of a sink starts in `turn`, so no Link method calls one (law L5). A
 * sink may call any method of its link in there, so state is stored before each call and read again
 * after it.
 */
import {
  assert,
  ClaimRefusal,
  closeMs,
  deafSink,
  Fault,
  type Link,
  type LinkSink,
  type PeerIdentity,
  type Timer,
} from '../../core/contract.js';
import type { Random } from './prng.js';
import type { TurnTaker } from './ready-list.js';
import type { LinkSetting } from './simulated-network.js';
import { SimulatedWire, type FrameItem } from './simulated-wire.js';

/** In the order of a link's life. */
const State = {
  Dialling: 0,
  /** Accepted; `linkUp` is due. */
  Joined: 1,
  Up: 2,
  /** Lost its peer; `linkDown` is due. */
  Cut: 3,
  /** `linkDown` was told; waits for `close`. */
  Down: 4,
  /** `close` was called; waits for the peer to have read everything. */
  Closing: 5,
  /** `linkDown` and `closed` are due. */
  Leaving: 6,
  /** `closed` is due. */
  Ending: 7,
  Closed: 8,
} as const;
type State = (typeof State)[keyof typeof State];

/** Frames are placed at changing offsets, so that nobody relies on one. */
const placesBytes = 64;
/** What a frame's bytes are overwritten with once they are nobody's business any more (law L4). */
const poison = 0xee;

export class SimulatedLink implements Link, TurnTaker {
  readonly claimBytes: Uint8Array;
  readonly setting: LinkSetting;
  /** The name that was dialled. */
  readonly name: string;
  #state: State = State.Dialling;
  #sink: LinkSink = deafSink;
  #peer: SimulatedLink | undefined = undefined;
  #peerHost = '';
  #outgoing: SimulatedWire | undefined = undefined;
  #incoming: SimulatedWire | undefined = undefined;
  #landing: Uint8Array = new Uint8Array(0);
  #fault: Fault = Fault.Closed;
  #place = 0;
  #landingPlace = 0;
  #claimedAt = -1;
  #claimedBytes = 0;
  /** A claim was refused that needs so many bytes; 0 if none waits. */
  #awaitedBytes = 0;
  #isWritableDue = false;
  #isInMood = false;
  /** The same for all links, for alike links are to behave alike: the suite relies on that. */
  readonly #mood: Random;
  readonly #timers = new Set<Timer>();

  constructor(setting: LinkSetting, name: string) {
    this.setting = setting;
    this.name = name;
    this.#mood = setting.random.fork('mood');
    this.claimBytes = new Uint8Array(setting.frameBytesMax + placesBytes);
  }

  get isDialling(): boolean {
    return this.#state === State.Dialling && this.#peer === undefined;
  }

  get isClosed(): boolean {
    return this.#state === State.Closed;
  }

  /** True once it will carry nothing more. */
  get isOver(): boolean {
    return this.#state > State.Up;
  }

  /** Where the other end is or was. */
  get peerHost(): string {
    return this.#peerHost;
  }

  get peer(): SimulatedLink | undefined {
    return this.#peer;
  }

  attach(sink: LinkSink): void {
    assert(this.#sink === deafSink, 'a link has one sink');
    this.#sink = sink;
  }

  /** The accepting end, made for `dialler`, which learns of it by and by. */
  join(dialler: SimulatedLink): void {
    assert(dialler.isDialling, 'only a free end is joined');
    const outgoing = makeWire(this, dialler);
    const incoming = makeWire(dialler, this);
    this.#meet(dialler, outgoing, incoming);
    dialler.#meet(this, incoming, outgoing);
    this.#state = State.Joined;
    outgoing.send({ kind: 'accepted' });
    this.setting.ready.push(this);
  }

  /** Both ends lose each other, each at its own time; nothing sent from now on arrives. */
  cut(fault: Fault, ownDelayMs: number, peerDelayMs: number): void {
    const peer = this.#peer;
    this.#outgoing?.cut();
    this.#incoming?.cut();
    this.after(ownDelayMs, () => {
      this.#lose(fault);
    });
    peer?.after(peerDelayMs, () => {
      peer.#lose(fault);
    });
  }

  /** What it has sent, or sends, arrives no sooner than then. */
  holdSent(untilMs: number): void {
    this.#outgoing?.hold(untilMs);
  }

  /** Nothing holds up any longer what is on its way to it. */
  unclog(): void {
    this.#incoming?.unclog();
  }

  claim(byteLength: number): number {
    assert(byteLength > 0, 'a frame has bytes', 'BAD_ARGUMENT');
    assert(this.#claimedBytes === 0, 'one claim at a time', 'BAD_ARGUMENT');
    if (this.#state !== State.Up) return ClaimRefusal.Down;
    if (byteLength > this.setting.frameBytesMax) return ClaimRefusal.TooLarge;
    if (!this.#hasRoom(byteLength) || this.#isAwaitingIdle() || this.#isMoody()) {
      this.#awaitedBytes = Math.max(this.#awaitedBytes, byteLength);
      return ClaimRefusal.BackPressured;
    }
    this.#place = (this.#place + 4) % placesBytes;
    this.#claimedAt = this.#place;
    this.#claimedBytes = byteLength;
    return this.#place;
  }

  /** If the link went down since the claim, the frame goes nowhere. */
  commit(): void {
    assert(this.#claimedBytes > 0, 'commit without a claim', 'BAD_ARGUMENT');
    const end = this.#claimedAt + this.#claimedBytes;
    const bytes = this.claimBytes.slice(this.#claimedAt, end);
    this.#forgetClaim();
    const { network } = this.setting;
    network.observer.committed(this, bytes);
    if (this.#state !== State.Up || this.#outgoing === undefined) return;
    for (const item of network.mangle(bytes)) this.#outgoing.send(item);
  }

  abort(): void {
    assert(this.#claimedBytes > 0, 'abort without a claim', 'BAD_ARGUMENT');
    this.#forgetClaim();
  }

  close(): void {
    if (this.#state >= State.Closing) return;
    const isKnown = this.#peer !== undefined && this.#state <= State.Up;
    if (this.#state === State.Down) {
      this.#state = State.Ending;
    } else if (isKnown) {
      this.#state = State.Closing;
      this.#outgoing?.send({ kind: 'finished' });
      this.after(closeMs, () => {
        this.#giveUp();
      });
    } else {
      this.#state = State.Leaving;
    }
    this.#awaitedBytes = 0;
    this.setting.ready.push(this);
  }

  /** It can reach nobody, or nobody any more. */
  fail(fault: Fault): void {
    this.#lose(fault);
  }

  /** Runs `task` later, unless the link is closed by then. */
  after(delayMs: number, task: () => void): void {
    if (delayMs === Infinity || this.#state === State.Closed) return;
    const timer = this.setting.runtime.scheduler.after(delayMs, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }

  turn(limit: number): number {
    switch (this.#state) {
      case State.Joined:
        return this.#rise() + this.#read(limit);
      case State.Dialling:
      case State.Up:
      case State.Closing:
        return this.#read(limit) + this.#sayWritable();
      case State.Cut:
        this.#state = State.Down;
        this.#sink.linkDown(this.#fault);
        return 1;
      case State.Leaving:
        this.#state = State.Ending;
        this.#sink.linkDown(this.#fault);
        return 1 + this.#end();
      case State.Ending:
        return this.#end();
      case State.Down:
      case State.Closed:
        return 0; // Pushed in another state; in this one nothing is due.
    }
  }

  #rise(): number {
    this.#state = State.Up;
    this.#sink.linkUp(this.#identity());
    return 1;
  }

  /** Reads the inbox. A sink that closes the link inside a call hears of no further frame. */
  #read(limit: number): number {
    const incoming = this.#incoming;
    let handled = 0;
    while (handled < limit) {
      const item = incoming?.take();
      if (item === undefined) break;
      handled += 1;
      if (item.kind === 'frame') this.#receive(item);
      else if (item.kind === 'finished') this.#finish();
      else if (this.#state === State.Dialling) this.#rise();
    }
    if (incoming?.hasArrived === true) this.setting.ready.push(this);
    return handled;
  }

  #receive(item: FrameItem): void {
    if (this.#peer !== undefined) this.#peer.#noteRoom();
    if (this.#state !== State.Up) return;
    this.#landingPlace = (this.#landingPlace + 1) % placesBytes;
    const offset = this.#landingPlace;
    const landing = this.#landing;
    const { bytes } = item;
    const { network } = this.setting;
    landing.set(bytes, offset);
    if (item.isForged) network.noteForgedTaken(this);
    network.observer.taking(this, item);
    this.#sink.frame(landing, offset, bytes.length);
    network.observer.taken(this, item);
    landing.fill(poison, offset, offset + bytes.length);
  }

  /** The peer closed, and everything that it sent has been read. */
  #finish(): void {
    this.#outgoing?.send({ kind: 'finished' });
    this.#outgoing?.cut();
    if (this.#state === State.Closing) {
      this.#state = State.Leaving;
      this.setting.ready.push(this);
    } else if (this.#state <= State.Up) {
      this.#state = State.Down;
      this.#sink.linkDown(Fault.Closed);
    }
  }

  /** The peer did not read everything in time: it is told that something was lost. */
  #giveUp(): void {
    if (this.#state !== State.Closing) return;
    const peer = this.#peer;
    peer?.after(this.setting.delayMs, () => {
      peer.#lose(Fault.Reset);
    });
    this.#state = State.Leaving;
    this.setting.ready.push(this);
  }

  #lose(fault: Fault): void {
    if (this.#state > State.Up && this.#state !== State.Closing) return;
    this.#fault = fault;
    this.#incoming?.stop();
    this.#state = this.#state === State.Closing ? State.Leaving : State.Cut;
    this.setting.ready.push(this);
  }

  #end(): number {
    this.#state = State.Closed;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#incoming?.stop();
    const peer = this.#peer;
    this.#peer = undefined;
    if (peer !== undefined) {
      // Through either of these it would hold this end for as long as it lives.
      peer.#peer = undefined;
      peer.#outgoing = undefined;
    }
    this.setting.network.forget(this);
    const sink = this.#sink;
    this.#sink = deafSink;
    sink.closed();
    return 1;
  }

  #meet(peer: SimulatedLink, outgoing: SimulatedWire, incoming: SimulatedWire): void {
    this.#peer = peer;
    this.#peerHost = peer.setting.host;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    this.#landing = new Uint8Array(peer.setting.frameBytesMax + placesBytes);
  }

  #hasRoom(byteLength: number): boolean {
    const inFlightBytes = this.#outgoing?.inFlightBytes ?? 0;
    return inFlightBytes === 0 || inFlightBytes + byteLength <= this.setting.windowBytes;
  }

  /** A frame beyond the window needs an idle link: none that is shorter may keep it busy. */
  #isAwaitingIdle(): boolean {
    return this.#awaitedBytes > this.setting.windowBytes;
  }

  /** Refused by chance: then everything is, until `writable`; but nothing on an idle link (L10). */
  #isMoody(): boolean {
    const { network } = this.setting;
    const isIdle = (this.#outgoing?.inFlightBytes ?? 0) === 0;
    this.#isInMood &&= !isIdle;
    this.#isInMood ||= !isIdle && this.#mood.chance(network.weather.refusedClaims);
    return this.#isInMood;
  }

  /** The peer read a frame; whoever was refused hears of it a moment later. */
  #noteRoom(): void {
    if (this.#awaitedBytes === 0 || this.#isWritableDue) return;
    if (!this.#hasRoom(this.#awaitedBytes)) return;
    this.#isWritableDue = true;
    this.after(this.setting.delayMs, () => {
      this.setting.ready.push(this);
    });
  }

  #sayWritable(): number {
    if (!this.#isWritableDue || this.#state !== State.Up) return 0;
    this.#isWritableDue = false;
    if (this.#awaitedBytes === 0) return 0;
    if (!this.#hasRoom(this.#awaitedBytes)) return 0;
    this.#awaitedBytes = 0;
    this.#isInMood = false;
    this.#sink.writable();
    return 1;
  }

  #forgetClaim(): void {
    this.claimBytes.fill(poison, this.#claimedAt, this.#claimedAt + this.#claimedBytes);
    this.#claimedBytes = 0;
  }

  #identity(): PeerIdentity {
    const host = this.#peerHost;
    const origin = `simulated://${host}`;
    return this.setting.network.provesIdentity
      ? Object.freeze({ kind: 'thread', name: host, origin })
      : Object.freeze({ kind: 'unproven', name: '', origin });
  }
}

function makeWire(source: SimulatedLink, target: SimulatedLink): SimulatedWire {
  const { network, random, delayMs, host } = source.setting;
  const { runtime, ready } = target.setting;
  const setting = {
    random,
    delayMs,
    jitterMs: () => network.weather.jitterMs,
    clearAtMs: () => network.clearAtMs(host, target.setting.host),
  };
  return new SimulatedWire(setting, runtime, () => {
    ready.push(target);
  });
}
