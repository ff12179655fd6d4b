/**
 * InjectedLink: a link of the fault injector, between a medium's link below and a sink above.
 *
 * Upwards everything passes one queue, so order is kept whatever is delayed; downwards claims go
 * straight through. Once the sink has closed it, only the end of the link still matters.
 */
import {
  assert,
  ClaimRefusal,
  Fault,
  type Link,
  type LinkSink,
  type PeerIdentity,
  type Timer,
} from '../../core/contract.js';
import type { InjectorSetting } from './fault-injector.js';
import type { Random } from './prng.js';
import type { TurnTaker } from './ready-list.js';

type Event =
  | { readonly kind: 'up'; readonly identity: PeerIdentity }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  | { readonly kind: 'writable' }
  | { readonly kind: 'down'; readonly fault: Fault };

interface Due {
  readonly event: Event;
  readonly dueMs: number;
}

const noBytes = new Uint8Array(0);

export class InjectedLink implements Link, LinkSink, TurnTaker {
  readonly #setting: InjectorSetting;
  /** The same for all links, for alike links are to behave alike: the suite relies on that. */
  readonly #mood: Random;
  #inner: Link | undefined = undefined;
  #sink: LinkSink | undefined = undefined;
  #queue: Due[] = [];
  #lastDueMs = 0;
  #timer: Timer | undefined = undefined;
  #isUp = false;
  #isDown = false;
  #isCloseAsked = false;
  #isInnerClosed = false;
  /** Cut here: the medium's link goes on below, and nobody listens to it. */
  #isSevered = false;
  #isClaimOpen = false;
  /** Something was committed in this turn of the event loop, so the link may not be idle. */
  #isRecent = false;
  /** A claim was refused, and `writable` was not told since. */
  #isAwaiting = false;

  constructor(setting: InjectorSetting) {
    this.#setting = setting;
    this.#mood = setting.random.fork('mood');
  }

  get claimBytes(): Uint8Array {
    return this.#inner?.claimBytes ?? noBytes;
  }

  attachInner(inner: Link): void {
    this.#inner = inner;
  }

  attachSink(sink: LinkSink): void {
    this.#sink = sink;
  }

  /** There is no link below: the dial is turned away. */
  refuse(): void {
    this.#isInnerClosed = true;
    this.#push({ kind: 'down', fault: Fault.Refused });
  }

  claim(byteLength: number): number {
    if (this.#inner === undefined || !this.#isUp || this.#isDown || this.#isCloseAsked) {
      return ClaimRefusal.Down;
    }
    const isPlain = byteLength > 0 && byteLength <= this.#setting.frameBytesMax;
    if (isPlain && !this.#isClaimOpen && this.#isMoody()) return ClaimRefusal.BackPressured;
    const answer = this.#inner.claim(byteLength);
    this.#isClaimOpen ||= answer >= 0;
    this.#isAwaiting ||= answer === ClaimRefusal.BackPressured;
    return answer;
  }

  commit(): void {
    this.#isClaimOpen = false;
    this.#inner?.commit();
    const { random, faults, host } = this.#setting;
    if (random.chance(faults.severs)) this.#sever();
    if (this.#isRecent) return;
    this.#isRecent = true;
    host.runtime.scheduler.soon(() => {
      this.#isRecent = false;
    });
  }

  abort(): void {
    this.#isClaimOpen = false;
    this.#inner?.abort();
  }

  close(): void {
    if (this.#isCloseAsked) return;
    this.#isCloseAsked = true;
    this.#queue = this.#queue.filter(({ event }) => event.kind === 'down');
    if (!this.#isSevered) this.#inner?.close();
    if (this.#isInnerClosed) this.#setting.ready.push(this);
  }

  linkUp(identity: PeerIdentity): void {
    if (!this.#isCloseAsked) this.#push({ kind: 'up', identity });
  }

  linkDown(fault: Fault): void {
    if (!this.#isSevered) this.#push({ kind: 'down', fault });
  }

  frame(bytes: Uint8Array, offset: number, byteLength: number): void {
    if (this.#isCloseAsked || this.#isSevered) return;
    this.#push({ kind: 'frame', bytes: bytes.slice(offset, offset + byteLength) });
  }

  writable(): void {
    if (!this.#isCloseAsked && !this.#isSevered) this.#push({ kind: 'writable' });
  }

  closed(): void {
    this.#isInnerClosed = true;
    if (this.#isCloseAsked) this.#setting.ready.push(this);
  }

  turn(limit: number): number {
    const nowMs = this.#setting.host.runtime.clock.now();
    let handled = 0;
    for (let due = this.#queue[0]; due !== undefined && handled < limit; due = this.#queue[0]) {
      if (due.dueMs > nowMs && !this.#isCloseAsked) break;
      this.#queue.shift();
      handled += 1;
      this.#tell(due.event);
    }
    if (this.#isCloseAsked && this.#isInnerClosed && this.#sink !== undefined) this.#end();
    else if (this.#queue.length > 0) this.#await();
    return handled;
  }

  #tell(event: Event): void {
    const sink = this.#sink;
    assert(sink !== undefined, 'nothing is told before there is a sink');
    switch (event.kind) {
      case 'up':
        this.#isUp = true;
        sink.linkUp(event.identity);
        break;
      case 'frame':
        sink.frame(event.bytes, 0, event.bytes.length);
        event.bytes.fill(0xee);
        break;
      case 'writable':
        this.#isAwaiting = false;
        if (!this.#isCloseAsked) sink.writable();
        break;
      case 'down':
        this.#isDown = true;
        sink.linkDown(event.fault);
        break;
    }
  }

  #end(): void {
    const sink = this.#sink;
    this.#timer?.cancel();
    this.#sink = undefined;
    if (!this.#isDown) sink?.linkDown(Fault.Closed);
    this.#isDown = true;
    sink?.closed();
  }

  /** A frame takes its time, and now and then everything behind it waits with it. */
  #push(event: Event): void {
    const { random, faults, host } = this.#setting;
    const [least, most] = faults.delayMs;
    const clogMs = random.chance(faults.clogs) ? faults.clogMs * random.fraction() : 0;
    const delayMs = least + (most - least) * random.fraction() + clogMs;
    this.#lastDueMs = Math.max(this.#lastDueMs, host.runtime.clock.now() + delayMs);
    this.#queue.push({ event, dueMs: this.#lastDueMs });
    this.#await();
  }

  #await(): void {
    const { host, ready } = this.#setting;
    const first = this.#queue[0];
    if (first === undefined || this.#timer !== undefined) return;
    const delayMs = first.dueMs - host.runtime.clock.now();
    if (delayMs <= 0 || this.#isCloseAsked) {
      ready.push(this);
      return;
    }
    this.#timer = host.runtime.scheduler.after(delayMs, () => {
      this.#timer = undefined;
      ready.push(this);
    });
  }

  /** What was not delivered is lost; the other end learns it as the medium tells it. */
  #sever(): void {
    if (this.#isSevered || this.#isCloseAsked) return;
    this.#isSevered = true;
    this.#queue = [];
    this.#push({ kind: 'down', fault: Fault.Reset });
    this.#inner?.close();
  }

  /** Refused by chance: then everything is, until `writable`. An idle link refuses nothing. */
  #isMoody(): boolean {
    if (this.#isAwaiting) return true;
    if (!this.#isRecent || !this.#mood.chance(this.#setting.faults.refusedClaims)) return false;
    this.#isAwaiting = true;
    this.#push({ kind: 'writable' });
    return true;
  }
}
