/**
 * KeepAlive: notices peers that have gone without a word. There is one for each peer domain and
 * transport, however many endpoints share them, and it is quiet where traffic flows.
 *
 * At each tick a session that waits for its peer and heard nothing is pinged. Of the idle ones, one
 * is pinged for all: the next in turn, if the group heard nothing or that one has been unheard for
 * `idleTicksMax`; so what others hear never hides a path that died (V15), nor does a stranger that
 * claims the peer's name. A ping that goes unanswered for `ticksMax` ticks ends its session as
 * SILENT, and then every other session of the group is asked at once. A tick that comes late means
 * that this side was stalled; it judges nobody.
 *
 * A tick looks at the sessions that have heard, asked or waited since the last one. The others
 * rest: ten thousand of them cost what one does.
 */
import { ErrorCode } from './errors.js';
import type { Runtime } from './runtime.js';
import type { Session } from './session.js';
import { WheelTimer, type TimerWheel } from './timer-wheel.js';

/** Unanswered ticks after which a peer is silent. */
const ticksMax = 3;
/** Ticks without a frame after which an idle session has its turn to be asked. */
const idleTicksMax = 5;

class Group {
  readonly key: string;
  /** Those that the next tick looks at. */
  readonly awake: Set<Session> = new Set<Session>();
  /** Neither heard nor waiting; the first has rested longest. */
  readonly resting: Set<Session> = new Set<Session>();
  readonly timer: WheelTimer;
  readonly intervalMs: number;
  expectedMs = 0;
  tick = 0;

  constructor(key: string, intervalMs: number, onTick: (group: Group) => void) {
    this.key = key;
    this.intervalMs = intervalMs;
    this.timer = new WheelTimer(() => {
      onTick(this);
    });
  }

  get isEmpty(): boolean {
    return this.awake.size + this.resting.size === 0;
  }

  add(session: Session): void {
    session.watcher = this;
    session.heardTick = this.tick;
    this.awake.add(session);
  }

  remove(session: Session): void {
    session.watcher = undefined;
    this.awake.delete(session);
    this.resting.delete(session);
  }

  /** `session` hears, asks or waits again; maybe it did not rest. */
  woken(session: Session): void {
    if (this.resting.delete(session)) this.awake.add(session);
  }

  rest(session: Session): void {
    this.awake.delete(session);
    this.resting.add(session);
    session.rest();
  }
}

export class KeepAlive {
  readonly #runtime: Runtime;
  readonly #wheel: TimerWheel;
  readonly #groups = new Map<string, Group>();
  readonly #groupOf = new Map<Session, Group>();

  constructor(runtime: Runtime, wheel: TimerWheel) {
    this.#runtime = runtime;
    this.#wheel = wheel;
  }

  /** Watches `session`, which leads to the peer that `peerKey` names. */
  join(session: Session, peerKey: string, intervalMs: number): void {
    const key = `${peerKey} ${intervalMs}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Group(key, intervalMs, (due) => {
        this.#tick(due);
      });
      this.#groups.set(key, group);
      this.#arm(group);
    }
    group.add(session);
    this.#groupOf.set(session, group);
  }

  /** Idempotent. */
  leave(session: Session): void {
    const group = this.#groupOf.get(session);
    if (group === undefined) return;
    this.#groupOf.delete(session);
    group.remove(session);
    if (!group.isEmpty) return;
    this.#wheel.disarm(group.timer);
    this.#groups.delete(group.key);
  }

  #arm(group: Group): void {
    group.expectedMs = this.#runtime.clock.now() + group.intervalMs;
    this.#wheel.arm(group.timer, group.intervalMs);
  }

  #tick(group: Group): void {
    const lateMs = this.#runtime.clock.now() - group.expectedMs;
    this.#arm(group);
    const dead = this.#look(group, lateMs > group.intervalMs / 2);
    for (const session of dead) session.fail(ErrorCode.Silent);
    if (dead.length === 0) return;
    for (const session of [...group.awake, ...group.resting]) session.ping();
  }

  /** Counts, pings, and answers who is silent. */
  #look(group: Group, isLate: boolean): Session[] {
    const dead: Session[] = [];
    let isHeard = false;
    let isAsking = false;
    let next: Session | undefined;
    group.tick++;
    for (const session of group.awake) {
      if (session.isHeard) {
        isHeard = true;
        session.isHeard = false;
        session.heardTick = group.tick;
        session.unansweredTicks = 0;
      } else if (session.isPingOut) {
        isAsking = true;
        if (!isLate && ++session.unansweredTicks >= ticksMax) dead.push(session);
      } else if (session.isWaiting) {
        next = pick(next, session);
        session.ping();
      } else {
        group.rest(session);
      }
    }
    const [longest] = group.resting;
    next = pick(longest, next);
    if (next === undefined || isAsking) return dead;
    if (!isHeard || group.tick - next.heardTick >= idleTicksMax) next.ping();
    return dead;
  }
}

/** The session that has been unheard for longer; the first where they are equal. */
function pick(first: Session | undefined, second: Session | undefined): Session | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return first.heardTick <= second.heardTick ? first : second;
}
