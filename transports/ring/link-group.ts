/**
 * LinkGroup: what the links of one transport share: the list of those that are awake, which every
 * poll visits, and the rendezvous under way.
 *
 * Few links stay awake as long as the domain polls, so that nobody needs their doorbells. Where
 * there are many, those on which nothing happens go to sleep one by one, and cost a poll nothing
 * but a glance at a few of them: a busy link is as fast beside a thousand idle ones as alone.
 */
import { assert } from '../../core/assert.js';
import type { Runtime, Timer } from '../../core/runtime.js';
import type { TransportHost } from '../../core/transport.js';
import type { Medium } from './medium.js';
import type { Rendezvous } from './rendezvous.js';
import type { RingLink } from './ring-link.js';

/** Checked settings of one transport; `RingOptions` says what they mean. */
export interface RingSettings {
  readonly ringBytes: number;
  readonly frameBytesMax: number;
  readonly connectMs: number;
  /** True for a user who may connect. */
  readonly mayConnect: (uid: number) => boolean;
}

/** So many links may be awake with nothing to do. */
const awakeMin = 16;
/** With more, one goes to sleep after so many visits in vain. */
const idleTurnsMax = 1000;
/** Sleepers that one poll looks at, for a thread whose event loop never hears a doorbell. */
const glancesPerPoll = 16;
/** Polls between two looks at what only a wire or a door can tell. */
const pollsPerLook = 2048;
const wiresPerLook = 8;
/** A rendezvous that stands still is asked again after this part of the time that it has stood. */
const patience = 1 / 4;
/** Up to this wait the domain polls on; a longer one is a timer's. */
const pollMs = 1;

/** Something of a listener that is looked at now and then. */
export interface Visitable {
  visit(): void;
}

interface Pending {
  readonly rendezvous: Rendezvous;
  /** When it is given up. */
  readonly endMs: number;
  movedMs: number;
  dueMs: number;
  readonly expired: () => void;
}

export class LinkGroup {
  readonly settings: RingSettings;
  readonly medium: Medium;
  readonly runtime: Runtime;
  readonly #host: TransportHost;
  readonly #awake: RingLink[] = [];
  readonly #joined: RingLink[] = [];
  readonly #doors = new Set<Visitable>();
  readonly #pending = new Map<Rendezvous, Pending>();
  /** Told in the next poll; the contract allows no call before it. */
  #news: (() => void)[] = [];
  #visited: RingLink | undefined = undefined;
  #isPolling = false;
  #glance = 0;
  #look = 0;
  #pollCount = 0;
  #timer: Timer | undefined = undefined;

  constructor(settings: RingSettings, medium: Medium, host: TransportHost) {
    this.settings = settings;
    this.medium = medium;
    this.runtime = host.runtime;
    this.#host = host;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** `link` has something to do in the next poll, or in this one if it is its turn. */
  // HOT:
  awaken(link: RingLink): void {
    if (!link.isAwake) {
      link.isAwake = true;
      link.idleTurns = 0;
      this.#awake.push(link);
    }
    if (link !== this.#visited) this.#host.wake();
  }

  /** Runs `tell` in the next poll. */
  tellSoon(tell: () => void): void {
    this.#news.push(tell);
    this.#host.wake();
  }

  joined(link: RingLink): void {
    this.#joined.push(link);
  }

  parted(link: RingLink): void {
    const index = this.#joined.indexOf(link);
    const last = index < 0 ? undefined : this.#joined.pop();
    if (last !== undefined && index < this.#joined.length) this.#joined[index] = last;
  }

  addDoor(door: Visitable): void {
    this.#doors.add(door);
  }

  removeDoor(door: Visitable): void {
    this.#doors.delete(door);
  }

  /** Carries `rendezvous` on until it is done; after `connectMs` it is cancelled, and `expired`. */
  pursue(rendezvous: Rendezvous, expired: () => void): void {
    const nowMs = this.runtime.clock.now();
    const endMs = nowMs + this.settings.connectMs;
    this.#pending.set(rendezvous, { rendezvous, endMs, movedMs: nowMs, dueMs: nowMs, expired });
    this.#host.wake();
  }

  /** Nobody waits for it any longer. */
  drop(rendezvous: Rendezvous): void {
    rendezvous.cancel();
    this.#pending.delete(rendezvous);
    this.#rest();
  }

  // HOT:
  poll(limit: number): number {
    assert(limit > 0, 'a poll may handle something', 'BAD_ARGUMENT');
    assert(!this.#isPolling, 'poll is not called from inside a sink', 'BAD_ARGUMENT');
    this.#isPolling = true;
    let handled = 0;
    if (this.#news.length > 0) handled += this.#tellNews();
    if (this.#pending.size > 0) handled += this.#meet();
    const awake = this.#awake;
    if (this.#joined.length > awake.length) this.#glanceAtSleepers();
    for (let index = 0; index < awake.length;) {
      const link = awake[index];
      if (link === undefined) break;
      this.#visited = link;
      const events = link.turn(limit);
      if (events > 0) handled += events;
      if (events < 0 || (link.idleTurns > idleTurnsMax && this.#maySleep(link)))
        this.#retire(index);
      else index += 1;
    }
    this.#visited = undefined;
    this.#pollCount = (this.#pollCount + 1) & 0x7fffffff;
    if (this.#pollCount % pollsPerLook === 0) this.#lookAround();
    this.#isPolling = false;
    return handled;
  }

  /** Everybody sleeps who can. */
  park(): boolean {
    const awake = this.#awake;
    for (let index = 0; index < awake.length;) {
      if (awake[index]?.sleep() === true) this.#retire(index);
      else index += 1;
    }
    return awake.length === 0;
  }

  #maySleep(link: RingLink): boolean {
    return this.#awake.length > awakeMin && link.sleep();
  }

  /** The last takes its place. */
  #retire(index: number): void {
    const link = this.#awake[index];
    const last = this.#awake.pop();
    if (link === undefined || last === undefined) return;
    link.isAwake = false;
    if (last !== link) this.#awake[index] = last;
  }

  #tellNews(): number {
    const news = this.#news;
    this.#news = [];
    for (const tell of news) tell();
    return news.length;
  }

  #glanceAtSleepers(): void {
    const joined = this.#joined;
    for (let count = Math.min(glancesPerPoll, joined.length); count > 0; count--) {
      this.#glance = this.#glance + 1 < joined.length ? this.#glance + 1 : 0;
      const link = joined[this.#glance];
      if (link !== undefined && !link.isAwake && link.hasCome()) this.awaken(link);
    }
  }

  /** What the event loop tells as well, for a thread that never yields to it. */
  #lookAround(): void {
    const joined = this.#joined;
    for (let count = Math.min(wiresPerLook, joined.length); count > 0; count--) {
      this.#look = this.#look + 1 < joined.length ? this.#look + 1 : 0;
      joined[this.#look]?.look();
    }
    for (const door of this.#doors) door.visit();
  }

  /** Those that are due go on; answers how many moved. */
  #meet(): number {
    const nowMs = this.runtime.clock.now();
    let moved = 0;
    for (const pending of this.#pending.values()) {
      if (nowMs < pending.dueMs) continue;
      const isMoved = pending.rendezvous.step();
      if (isMoved) pending.movedMs = nowMs;
      if (isMoved) moved += 1;
      pending.dueMs = nowMs + (nowMs - pending.movedMs) * patience;
      if (pending.rendezvous.isOver) {
        this.#pending.delete(pending.rendezvous);
      } else if (nowMs >= pending.endMs) {
        this.#pending.delete(pending.rendezvous);
        pending.rendezvous.cancel();
        pending.expired();
      }
    }
    this.#rest();
    return moved;
  }

  /** Waits for the next that is due, polling or not. */
  #rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#pending.size === 0) return;
    let dueMs = Infinity;
    for (const pending of this.#pending.values()) {
      dueMs = Math.min(dueMs, pending.dueMs, pending.endMs);
    }
    const delayMs = dueMs - this.runtime.clock.now();
    if (delayMs < pollMs) this.#host.wake();
    else {
      this.#timer = this.runtime.scheduler.after(delayMs, () => {
        this.#timer = undefined;
        this.#host.wake();
      });
    }
  }
}
