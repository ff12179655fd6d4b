/**
 * TimerWheel: all time limits of a domain on one wheel, one heap and one timer of the runtime.
 *
 * Timers are made once by their owners and armed again without allocation. What is due within a
 * turn of the wheel, a second, is on it: arming and disarming take constant time. What is due later
 * is in a heap until it fires, so that an idle domain sleeps until its nearest deadline, however
 * far that is, and 10,000 idle endpoints cost what one does. (Varghese and Lauck, SOSP 1987,
 * scheme 4, and the combination with an ordered structure that they describe.)
 */
import type { Runtime, Timer } from './runtime.js';
import { TimerHeap } from './timer-heap.js';

/** Length of one tick in milliseconds: a timer fires never early and up to this much late. */
const tickMs = 4;
const slotCount = 256;
const slotMask = slotCount - 1;
/** What is due later than this is in the heap. */
const nearMs = slotCount * tickMs;
/** The platform's timers wait no longer; a wake that comes early finds nothing due. */
const waitMsMax = 2 ** 31 - 1;

/** One time limit. It belongs to its owner and is on at most one wheel. */
export class WheelTimer {
  readonly task: () => void;
  /** Tick at which it is due; only the wheel and its heap read and write what follows. */
  deadlineTick = 0;
  /** True while it is in the heap. */
  isFar = false;
  previous: WheelTimer | undefined = undefined;
  next: WheelTimer | undefined = undefined;
  /** In the heap: the first of those below it. */
  child: WheelTimer | undefined = undefined;

  constructor(task: () => void) {
    this.task = task;
  }

  get isArmed(): boolean {
    return this.previous !== undefined;
  }
}

export class TimerWheel {
  readonly #runtime: Runtime;
  /** Ring heads of doubly linked lists; a head is a timer that is never due. */
  readonly #heads: WheelTimer[] = [];
  readonly #far = new TimerHeap(makeHead());
  readonly #due: WheelTimer = makeHead();
  #armedCount = 0;
  #tick: number = 0;
  #wakeTick = Infinity;
  #wake: Timer | undefined = undefined;
  readonly #onWake = (): void => {
    this.#wake = undefined;
    this.#wakeTick = Infinity;
    // The platform's timer may be up to a millisecond early; then nothing is due yet.
    if (this.run() === 0) this.#wakeForNext();
  };

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#tick = Math.floor(runtime.clock.now() / tickMs);
    for (let slot = 0; slot < slotCount; slot++) this.#heads.push(makeHead());
  }

  get armedCount(): number {
    return this.#armedCount;
  }

  /** Arms `timer` to fire once, `delayMs` from now; replaces an earlier arming. */
  arm(timer: WheelTimer, delayMs: number): void {
    if (timer.isArmed) this.#unlink(timer);
    const nowMs = this.#runtime.clock.now();
    const tick = Math.max(this.#tick + 1, Math.floor((nowMs + delayMs) / tickMs) + 1);
    timer.deadlineTick = tick;
    // After any later `run` it is at most one turn ahead, so no slot holds two ticks to come.
    if (tick * tickMs <= nowMs + nearMs) {
      link(this.#headOf(tick), timer);
    } else {
      timer.isFar = true;
      this.#far.add(timer);
    }
    this.#armedCount++;
    this.#wakeBy(tick);
  }

  /** Idempotent. */
  disarm(timer: WheelTimer): void {
    if (!timer.isArmed) return;
    this.#unlink(timer);
    if (this.#armedCount === 0) this.#sleep();
  }

  /** Fires everything that is due; answers how many. For callers that own their thread, too. */
  run(nowMs: number = this.#runtime.clock.now()): number {
    const nowTick = Math.floor(nowMs / tickMs);
    if (nowTick <= this.#tick) return 0;
    const first = Math.max(this.#tick + 1, nowTick - slotMask);
    this.#tick = nowTick;
    for (let tick = first; tick <= nowTick; tick++) this.#collect(tick, nowTick);
    this.#collectFar(nowTick);
    let fired = 0;
    for (let timer = this.#due.next; timer !== undefined && timer !== this.#due; fired++) {
      this.#unlink(timer);
      timer.task();
      timer = this.#due.next;
    }
    this.#wakeForNext();
    return fired;
  }

  #collect(tick: number, nowTick: number): void {
    const head = this.#headOf(tick);
    let timer = head.next;
    while (timer !== undefined && timer !== head) {
      const following: WheelTimer | undefined = timer.next;
      if (timer.deadlineTick <= nowTick) {
        unlink(timer);
        link(this.#due, timer);
      }
      timer = following;
    }
  }

  #collectFar(nowTick: number): void {
    let timer = this.#far.first;
    while (timer !== undefined && timer.deadlineTick <= nowTick) {
      this.#far.remove(timer);
      timer.isFar = false;
      link(this.#due, timer);
      timer = this.#far.first;
    }
  }

  #wakeForNext(): void {
    if (this.#armedCount === 0) {
      this.#sleep();
      return;
    }
    const farTick = this.#far.first?.deadlineTick ?? Infinity;
    const end = Math.min(farTick, this.#tick + slotCount + 1);
    let tick = this.#tick + 1;
    while (tick < end && this.#isEmpty(tick)) tick++;
    this.#wakeBy(tick < end ? tick : farTick);
  }

  #isEmpty(tick: number): boolean {
    const head = this.#headOf(tick);
    return head.next === head;
  }

  #wakeBy(tick: number): void {
    if (tick >= this.#wakeTick) return;
    this.#wake?.cancel();
    this.#wakeTick = tick;
    const delayMs = tick * tickMs - this.#runtime.clock.now();
    this.#wake = this.#runtime.scheduler.after(Math.min(delayMs, waitMsMax), this.#onWake);
  }

  #sleep(): void {
    this.#wake?.cancel();
    this.#wake = undefined;
    this.#wakeTick = Infinity;
  }

  #unlink(timer: WheelTimer): void {
    if (timer.isFar) this.#far.remove(timer);
    else unlink(timer);
    timer.isFar = false;
    this.#armedCount--;
  }

  #headOf(tick: number): WheelTimer {
    // reason: the mask keeps the index inside the array that the constructor filled
    return this.#heads[tick & slotMask]!;
  }
}

function makeHead(): WheelTimer {
  const head = new WheelTimer(() => undefined);
  head.previous = head;
  head.next = head;
  return head;
}

function link(head: WheelTimer, timer: WheelTimer): void {
  const last = head.previous ?? head;
  timer.previous = last;
  timer.next = head;
  last.next = timer;
  head.previous = timer;
}

function unlink(timer: WheelTimer): void {
  if (timer.previous !== undefined) timer.previous.next = timer.next;
  if (timer.next !== undefined) timer.next.previous = timer.previous;
  timer.previous = undefined;
  timer.next = undefined;
}
