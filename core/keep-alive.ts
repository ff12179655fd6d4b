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

/** What keep-alive knows of one session, from `join` to `leave`. */
export class Watcher {
  readonly session: Session;
  readonly group: Group;
  /** The group's tick that found the last frame. */
  heardTick: number;
  /** Ticks for which a ping has gone without any answer. */
  unansweredTicks = 0;

  constructor(session: Session, group: Group) {
    this.session = session;
    this.group = group;
    this.heardTick = group.tick;
  }

  /** The session hears, asks or waits again; maybe it did not rest. */
  woken(): void {
    if (this.group.resting.delete(this)) this.group.awake.add(this);
  }

  /** No tick looks at the session until it is woken. */
  rest(): void {
    this.group.awake.delete(this);
    this.group.resting.add(this);
    this.session.rest();
  }
}

/** Those that lead to one peer domain over one transport, and are asked as often. */
class Group {
  readonly key: string;
  readonly intervalMs: number;
  /** Those that the next tick looks at. */
  readonly awake: Set<Watcher> = new Set<Watcher>();
  /** Neither heard nor waiting; the first has rested longest. */
  readonly resting: Set<Watcher> = new Set<Watcher>();
  readonly timer: WheelTimer;
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

  remove(watcher: Watcher): void {
    this.awake.delete(watcher);
    this.resting.delete(watcher);
  }
}

export class KeepAlive {
  readonly #runtime: Runtime;
  readonly #wheel: TimerWheel;
  readonly #groups = new Map<string, Group>();

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
    const watcher = new Watcher(session, group);
    group.awake.add(watcher);
    session.watcher = watcher;
  }

  /** Idempotent. */
  leave(session: Session): void {
    const { watcher } = session;
    if (watcher === undefined) return;
    session.watcher = undefined;
    const { group } = watcher;
    group.remove(watcher);
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
    for (const { session } of [...group.awake, ...group.resting]) session.ping();
  }

  /** Counts, pings, and answers who is silent. */
  #look(group: Group, isLate: boolean): Session[] {
    const dead: Session[] = [];
    let isHeard = false;
    let isAsking = false;
    let next: Watcher | undefined;
    group.tick++;
    for (const watcher of group.awake) {
      const { session } = watcher;
      if (session.takeHeard()) {
        isHeard = true;
        watcher.heardTick = group.tick;
        watcher.unansweredTicks = 0;
      } else if (session.isPingOut) {
        isAsking = true;
        if (!isLate && ++watcher.unansweredTicks >= ticksMax) dead.push(session);
      } else if (session.isWaiting) {
        next = pick(next, watcher);
        session.ping();
      } else {
        watcher.rest();
      }
    }
    const [longest] = group.resting;
    next = pick(longest, next);
    if (next === undefined || isAsking) return dead;
    if (!isHeard || group.tick - next.heardTick >= idleTicksMax) next.session.ping();
    return dead;
  }
}

/** Whose session has been unheard for longer; the first where they are equal. */
function pick(first: Watcher | undefined, second: Watcher | undefined): Watcher | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return first.heardTick <= second.heardTick ? first : second;
}
