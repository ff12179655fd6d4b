/**
 * Watch: one endpoint as a judge sees it. It listens to the endpoint's lifecycle before its client
 * does, holds it to the grammar, and keeps what the books (`ledger.ts`) say of its epochs.
 */
import {
  Refusal,
  type DisconnectEvent,
  type Endpoint,
  type LifecycleEvent,
} from '../../core/index.js';
import type { Evidence } from './evidence.js';
import type { Life } from './life.js';
import type { Item } from './ledger.js';
import type { Place } from './place.js';
import type { World } from './world.js';

/** How long clients may drain if whoever destroys their endpoints says nothing. */
export const drainDefaultMs = 10_000;

type Phase = 'absent' | 'appeared' | 'connected' | 'destroyed';

/** What has to be the case before each notification, and what is after it. */
const grammar = {
  appear: { from: 'absent', to: 'appeared' },
  connect: { from: 'appeared', to: 'connected' },
  disconnect: { from: 'connected', to: 'appeared' },
  disappear: { from: 'appeared', to: 'absent' },
  destroyed: { from: 'absent', to: 'destroyed' },
} as const;

/** What a client may have been told last in each state of its endpoint. */
const toldIn: Readonly<Record<Endpoint['state'], readonly Phase[]>> = {
  absent: ['absent'],
  appeared: ['appeared'],
  connected: ['connected'],
  draining: ['appeared'],
  drainingLost: ['appeared'],
  // A local destroy tells of the disconnect once the peer's goodbye is there.
  drainingFinal: ['appeared', 'connected'],
  destroyed: ['absent', 'destroyed'],
};

export class Watch {
  readonly endpoint: Endpoint;
  readonly place: Place;
  readonly life: Life;
  readonly role: 'dial' | 'accept';
  /** `NAME/service` of the listener. */
  readonly target: string;
  pairKey = '';
  /** True if its client enters everything into the books, so that counts can be compared. */
  isBooked = false;
  /** Submitted here and not settled; received here and not completed by its handler. */
  readonly unsettled: Set<Item> = new Set<Item>();
  readonly held: Set<Item> = new Set<Item>();
  /** Messages of this epoch that the peer's handler has not completed. */
  readonly uncompleted: Set<Item> = new Set<Item>();
  /** Disconnect handlers of this client that have not ended. */
  drainCount = 0;
  /** Requests that were submitted in this epoch. */
  submittedCount = 0;
  /** The last one of them that a handler of the peer got. */
  handledThrough = 0;
  /** The last one of the peer's requests that a handler got here. */
  receivedThrough = 0;
  /** This end said goodbye in this epoch, and so how far its handlers got. */
  isFarewellSaid = false;
  /** What this end can know of what it submitted in this epoch. */
  evidence: Evidence | undefined = undefined;
  /** The first request of each ended epoch that was declared never to have been handled. */
  readonly #neverFrom = new Map<number, number>();
  readonly #world: World;
  #phase: Phase = 'absent';
  #epoch = 0;
  #destroyAskedMs = -1;
  /** How long its domain had been stopped by then. */
  #destroyStoppedMs = 0;
  #destroyDueMs = Infinity;
  #destroyLimitMs = Infinity;
  /** How long its client may take to drain then. */
  #drainMs = 0;
  /** When the next of `unsettled` is due, in time that its domain was not stopped. */
  #nextDueMs = Infinity;

  constructor(
    world: World,
    endpoint: Endpoint,
    place: Place,
    role: 'dial' | 'accept',
    target: string,
  ) {
    this.#world = world;
    this.endpoint = endpoint;
    this.place = place;
    this.life = place.life;
    this.role = role;
    this.target = target;
    endpoint.lifecycle$.subscribe((event) => {
      this.#take(event);
    });
  }

  get name(): string {
    return `${this.place.name}/${this.role} ${this.endpoint.name} ${this.target}`;
  }

  /** The epoch that is open, or was last. */
  get epoch(): number {
    return this.#epoch;
  }

  get isConnected(): boolean {
    return this.#phase === 'connected';
  }

  get isDestroyed(): boolean {
    return this.#phase === 'destroyed';
  }

  /** True from `destroy` on. */
  get isGivenUp(): boolean {
    return this.#destroyAskedMs >= 0;
  }

  /** The oldest epoch of which something is still open at this end; Infinity if nothing is. */
  get oldestOpenEpoch(): number {
    let oldest = this.drainCount > 0 && !this.isConnected ? this.#epoch : Infinity;
    for (const { epoch } of this.held) oldest = Math.min(oldest, epoch);
    for (const { epoch } of this.unsettled) oldest = Math.min(oldest, epoch);
    return oldest;
  }

  /** From which request on all were declared never to have been handled. */
  neverFromOf(epoch: number): number {
    return this.#neverFrom.get(epoch) ?? Infinity;
  }

  /** After every step: what holds between any two of them. */
  audit(): void {
    const { state } = this.endpoint;
    if (!toldIn[state].includes(this.#phase))
      this.#fail(`grammar: ${this.#phase} is told ${state}`);
    const nowMs = this.#world.nowMs - this.life.stoppedMs;
    if (nowMs > this.#destroyDueMs && !this.isDestroyed) this.#fail('V9 destroy takes too long');
    if (nowMs > this.#nextDueMs) this.#auditDue(nowMs);
    if (!this.isBooked || !state.startsWith('draining') || this.#phase !== 'appeared') return;
    const isOpen = this.held.size + this.unsettled.size + this.drainCount > 0;
    if (!isOpen) this.#fail('V10 it drains, though its own client has nothing open');
  }

  /** A submission will have settled by `item.dueMs`. */
  expectSettled(item: Item): void {
    this.#nextDueMs = Math.min(this.#nextDueMs, item.dueMs - item.stoppedMs);
  }

  #auditDue(nowMs: number): void {
    this.#nextDueMs = Infinity;
    for (const item of this.unsettled) {
      this.expectSettled(item);
      if (nowMs > item.dueMs - item.stoppedMs) this.#fail(`V3 item ${item.id} does not settle`);
    }
  }

  /** Gives the endpoint up, and holds it to bounded time. */
  destroy(drainMs: number, slackMs: number): Promise<void> {
    // Whoever destroyed it first, by closing its listener or domain, has set the time to drain.
    const isLate = !this.isGivenUp && this.#isDestroying();
    const limitMs = slackMs + (isLate ? drainDefaultMs : drainMs);
    const stoppedMs =
      this.life.stoppedMs - Math.max(0, this.life.stoppedUntilMs - this.#world.nowMs);
    if (this.#destroyAskedMs < 0) {
      this.#destroyAskedMs = this.#world.nowMs;
      this.#destroyStoppedMs = stoppedMs;
      this.#destroyDueMs = this.#world.nowMs - stoppedMs + limitMs;
      this.#destroyLimitMs = limitMs;
      this.#drainMs = isLate ? 0 : drainMs;
    }
    return this.endpoint.destroy({ drainMs }).then(() => {
      const passedMs = this.#world.nowMs - this.#destroyAskedMs;
      const tookMs = passedMs - (this.life.stoppedMs - this.#destroyStoppedMs);
      const most = this.#destroyLimitMs;
      this.#expect(tookMs <= most, `V9 destroy takes at most ${most} ms, not ${tookMs}`);
      this.#expect(this.isDestroyed, 'destroy resolves after the last notification');
    });
  }

  /** What is too long is never taken; the answer tells a destroyed endpoint from any other. */
  #isDestroying(): boolean {
    const tooLong = new Uint8Array(this.endpoint.quota.messageBytes + 1);
    return this.endpoint.submitMessage(tooLong) === Refusal.Destroyed;
  }

  #take(event: LifecycleEvent): void {
    const { type } = event;
    if (type === 'attempt') {
      this.#world.log(this.name, `attempt failed: ${event.fault}`);
      this.#expectForgery(event.fault);
      return;
    }
    const { from, to } = grammar[type];
    this.#expect(this.life.isAlive, `${type} after the crash`);
    this.#expect(this.#phase === from, `grammar: ${type} while ${this.#phase}`);
    if (type === 'connect') this.#connect(event.epoch);
    else this.#world.log(this.name, type === 'disconnect' ? describe(event) : type);
    this.#phase = to;
    if (type === 'appear') this.#world.watchRoom.appeared(this);
    else if (type === 'disconnect') this.#disconnect(event);
    else if (type === 'destroyed') this.#destroyed(event.abandoned);
  }

  #connect(epoch: number): void {
    this.#world.log(this.name, `connect ${epoch}`);
    this.#expect(epoch > this.#epoch, `epochs grow: ${epoch} after ${this.#epoch}`);
    this.#expect(this.oldestOpenEpoch === Infinity, 'V1 nothing of an older epoch is open');
    this.#epoch = epoch;
    this.uncompleted.clear();
    this.submittedCount = 0;
    this.handledThrough = 0;
    this.receivedThrough = 0;
    this.isFarewellSaid = false;
    this.#world.watchRoom.connected(this);
  }

  #disconnect(event: DisconnectEvent): void {
    const { epoch, submittedThrough, handledThrough, neverFrom } = event;
    this.#expect(epoch === this.#epoch, `disconnect of ${epoch} in ${this.#epoch}`);
    this.#expect(neverFrom > handledThrough, 'neverFrom > handledThrough');
    this.#expect(submittedThrough >= handledThrough, 'submittedThrough >= handledThrough');
    if (this.isBooked) this.#compareCounts(submittedThrough, handledThrough, neverFrom);
    this.#expectForgery(event.reason);
    const isForged = this.#world.wireTap.isForgedFor(this);
    this.#expect(!isForged || event.reason === 'CORRUPT', 'V12 a forged frame is CORRUPT');
    this.#neverFrom.set(epoch, neverFrom);
    for (const item of this.unsettled) {
      this.#expect(!item.isHot, `item ${item.id} settles before its disconnect`);
    }
    this.#world.watchRoom.afterStep(() => {
      for (const item of this.unsettled) {
        this.#expect(item.epoch > epoch, `item ${item.id} settles before its disconnect completes`);
      }
    });
  }

  /** V4: what the event says against what the handlers of the peer saw. */
  #compareCounts(submittedThrough: number, handledThrough: number, neverFrom: number): void {
    const { submittedCount } = this;
    this.#expect(submittedThrough === submittedCount, `submittedThrough is ${submittedCount}`);
    this.#expect(handledThrough <= this.handledThrough, `handledThrough <= ${this.handledThrough}`);
    this.#expect(neverFrom > this.handledThrough, `neverFrom > ${this.handledThrough}`);
    const { evidence } = this;
    if (evidence?.epoch !== this.#epoch) return;
    const { handledAtLeast, neverFrom: neverAtMost } = evidence;
    this.#expect(neverFrom <= neverAtMost, `V4 evidence says neverFrom <= ${neverAtMost}`);
    this.#expect(handledThrough >= handledAtLeast, `V4 handledThrough >= ${handledAtLeast}`);
  }

  /** V12: what a legal peer sends over a legal medium is never called corrupt. */
  #expectForgery(reason: string): void {
    if (reason.toLowerCase() !== 'corrupt') return;
    const other = this.role === 'dial' ? this.target.split('/')[0] : this.endpoint.peer?.domainName;
    const isForged = this.#world.network.hasForgedBetween(this.place.name, other ?? '');
    this.#expect(isForged, 'V12 CORRUPT only if something was forged');
  }

  #destroyed(isAbandoned: boolean): void {
    this.#expect(isAbandoned || this.held.size === 0, 'destroyed with received items held');
    const tookMs = this.#world.nowMs - this.#destroyAskedMs;
    const isEarly = isAbandoned && this.isGivenUp && tookMs < this.#drainMs;
    this.#expect(!isEarly, `V9 the client has ${this.#drainMs} ms to drain, not ${tookMs}`);
    this.#world.watchRoom.destroyed(this);
  }

  #expect(holds: boolean, claim: string): void {
    if (!holds) this.#fail(claim);
  }

  #fail(claim: string): void {
    this.#world.fail(`${this.name}: ${claim}`);
  }
}

function describe(event: DisconnectEvent): string {
  const { epoch, reason, submittedThrough, handledThrough, neverFrom } = event;
  const counts = `${submittedThrough} submitted, ${handledThrough} handled, never ${neverFrom}`;
  return `disconnect ${epoch} ${reason}, ${counts}`;
}
