/** The timer wheel against a sorted list, on a virtual clock. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TimerWheel, WheelTimer } from '../../core/timer-wheel.js';
import { between, createRandom, seedOfThisRun, type Random } from '../compliance/random.js';
import { VirtualRuntime } from '../unit/virtual-runtime.js';

const tickMs = 4;
/** Binary fractions of milliseconds, so that the model's sums are exact. */
const fraction = 1 / 64;

/** Many timers of one wheel, and when each of them is due. */
class Rig {
  readonly runtime: VirtualRuntime;
  readonly wheel: TimerWheel;
  readonly #timers: WheelTimer[];
  readonly #dueMs: number[];
  readonly #random: Random;
  fired = 0;
  /** Armed timers that were disarmed or armed anew: each may leave a wake-up without a purpose. */
  takenAway = 0;
  /** How much later than promised whoever calls `run` may be. */
  callerLateMs = 0;

  constructor(random: Random, timerCount: number) {
    this.#random = random;
    this.runtime = new VirtualRuntime(1, between(random, 0, 1 << 20) * fraction);
    this.wheel = new TimerWheel(this.runtime);
    this.#dueMs = new Array<number>(timerCount).fill(Infinity);
    this.#timers = this.#dueMs.map((_, index) => new WheelTimer(() => this.#fire(index)));
  }

  get nowMs(): number {
    return this.runtime.clock.now();
  }

  get armedCount(): number {
    return this.#dueMs.filter((dueMs) => dueMs !== Infinity).length;
  }

  arm(index: number, delayMs: number): void {
    const timer = this.#timers[index];
    assert(timer !== undefined);
    if (timer.isArmed) this.takenAway++;
    this.wheel.arm(timer, delayMs);
    this.#dueMs[index] = this.nowMs + delayMs;
    assert(timer.isArmed);
  }

  disarm(index: number): void {
    const timer = this.#timers[index];
    assert(timer !== undefined);
    if (timer.isArmed) this.takenAway++;
    this.wheel.disarm(timer);
    this.#dueMs[index] = Infinity;
    assert(!timer.isArmed);
  }

  /** One random change; also what callbacks do. */
  change(): void {
    const random = this.#random;
    const index = between(random, 0, this.#timers.length - 1);
    if (random() % 4 === 0) this.disarm(index);
    else this.arm(index, this.#delay());
  }

  check(): void {
    assert.equal(this.wheel.armedCount, this.armedCount);
    const earliestMs = Math.min(...this.#dueMs);
    if (earliestMs === Infinity) {
      assert.equal(this.runtime.pendingCount, 0, 'an empty wheel sleeps');
      return;
    }
    assert(this.runtime.pendingCount === 1, 'one timer of the runtime serves all');
    const latestMs = earliestMs + tickMs + this.callerLateMs;
    assert(this.nowMs <= latestMs, 'nothing is more than a tick late');
    assert(this.runtime.nextMs <= earliestMs + tickMs, 'it wakes for the next one');
  }

  #delay(): number {
    const random = this.#random;
    const most = [1, 64, 64 * 30, 64 * 2000, 64 * 40_000][random() % 5] ?? 1;
    return between(random, 0, most) * fraction;
  }

  #fire(index: number): void {
    const dueMs = this.#dueMs[index] ?? Infinity;
    assert(dueMs <= this.nowMs, 'never early, never disarmed, never twice');
    assert(this.nowMs <= dueMs + tickMs + this.callerLateMs, 'at most a tick late');
    this.#dueMs[index] = Infinity;
    this.fired++;
    for (let count = this.#random() % 3; count > 0; count--) this.change();
  }
}

describe('timer wheel', () => {
  const seed = seedOfThisRun();
  const message = `IDC_SEED=${seed}`;

  it('fires each timer once, never early, at most a tick late; callbacks arm and disarm', () => {
    const random = createRandom(seed);
    for (let world = 0; world < 20; world++) {
      const rig = new Rig(random, 1 + (random() % 60));
      for (let step = 0; step < 400; step++) {
        rig.change();
        if (random() % 2 === 0) rig.runtime.advance(between(random, 0, 64 * 300) * fraction);
        rig.check();
      }
      assert(rig.fired > 0, message);
      const purposes = rig.fired + rig.takenAway;
      assert(rig.runtime.timersFired <= purposes, `it sleeps until a deadline, ${message}`);
    }
  });

  it('thousands of far timers: each fires in its tick, and nothing else wakes it', () => {
    const random = createRandom(seed);
    const runtime = new VirtualRuntime(1, between(random, 0, 1 << 20) * fraction);
    const wheel = new TimerWheel(runtime);
    const startMs = runtime.clock.now();
    const delays = Array.from({ length: 5000 }, () => between(random, 1100, 200_000));
    const firedMs = new Array<number>(delays.length).fill(NaN);
    const timers = delays.map(
      (_, index) => new WheelTimer(() => (firedMs[index] = runtime.clock.now())),
    );
    timers.forEach((timer, index) => {
      wheel.arm(timer, delays[index] ?? 0);
    });
    // Out of the middle of the order.
    const gone = new Set(timers.filter(() => random() % 3 === 0));
    for (const timer of gone) wheel.disarm(timer);
    assert.equal(wheel.armedCount, timers.length - gone.size, message);
    runtime.advance(200_010);
    const ticks = new Set<number>();
    timers.forEach((timer, index) => {
      const atMs = firedMs[index] ?? NaN;
      const dueMs = startMs + (delays[index] ?? 0);
      assert.equal(Number.isNaN(atMs), gone.has(timer), message);
      if (gone.has(timer)) return;
      assert(atMs > dueMs && atMs <= dueMs + tickMs, message);
      ticks.add(atMs);
    });
    // Beside the deadlines: one that was the nearest until it was taken out.
    assert(runtime.timersFired <= ticks.size + 1, `${runtime.timersFired} wake-ups, ${message}`);
    assert.equal(runtime.pendingCount, 0);
  });

  it('late by any stall of the event loop: nothing is lost, nothing is early', () => {
    const random = createRandom(seed);
    const rig = new Rig(random, 50);
    rig.callerLateMs = Infinity;
    for (let step = 0; step < 3000; step++) {
      rig.change();
      rig.runtime.stall(between(random, 0, 64 * 3000) * fraction);
      if (random() % 2 === 0) rig.wheel.run();
      else rig.runtime.advance(0);
      rig.check();
    }
    assert(rig.fired > 1000, message);
  });

  it('run by its owner: as exact as the calls are frequent', () => {
    const random = createRandom(seed);
    const rig = new Rig(random, 30);
    rig.callerLateMs = 1;
    for (let step = 0; step < 20_000; step++) {
      if (random() % 10 === 0) rig.change();
      rig.runtime.stall(1);
      rig.wheel.run();
      rig.check();
    }
    assert(rig.fired > 100, message);
  });
});

describe('timer wheel by example', () => {
  function create(startMs = 0): { runtime: VirtualRuntime; wheel: TimerWheel } {
    const runtime = new VirtualRuntime(1, startMs);
    return { runtime, wheel: new TimerWheel(runtime) };
  }

  it('10,000 idle timers, armed again each second: a bounded number of wake-ups', () => {
    const { runtime, wheel } = create();
    const firedAtMs: number[] = [];
    const timers = Array.from({ length: 10_000 }, () => new WheelTimer(() => firedAtMs.push(0)));
    for (let second = 0; second < 20; second++) {
      timers.forEach((timer, index) => wheel.arm(timer, 2000 + (index % 1000)));
      runtime.advance(1000);
    }
    assert.deepEqual(firedAtMs, []);
    assert(runtime.timersFired <= 20, `${runtime.timersFired} wake-ups`);
    runtime.advance(4000);
    assert.equal(firedAtMs.length, 10_000);
    assert.equal(runtime.pendingCount, 0);
  });

  it('one timer in 10 minutes: it wakes once', () => {
    const { runtime, wheel } = create();
    let fired = 0;
    wheel.arm(new WheelTimer(() => fired++), 600_000);
    runtime.advance(599_999);
    assert.equal(fired, 0);
    runtime.advance(5);
    assert.equal(fired, 1);
    assert.equal(runtime.timersFired, 1);
  });

  it('a timer armed for now inside a callback fires in a later run', () => {
    const { runtime, wheel } = create();
    let fired = 0;
    const timer: WheelTimer = new WheelTimer(() => {
      if (++fired < 3) wheel.arm(timer, 0);
    });
    wheel.arm(timer, 0);
    runtime.stall(100);
    assert.equal(wheel.run(), 1);
    assert.equal(wheel.run(), 0);
    runtime.stall(4);
    assert.equal(wheel.run(), 1);
  });

  it('a timer disarmed by another one that is due at the same time does not fire', () => {
    const { runtime, wheel } = create();
    const fired: string[] = [];
    const second = new WheelTimer(() => fired.push('second'));
    const first = new WheelTimer(() => {
      fired.push('first');
      wheel.disarm(second);
    });
    wheel.arm(first, 10);
    wheel.arm(second, 10);
    runtime.advance(100);
    assert.deepEqual(fired, ['first']);
    assert.equal(wheel.armedCount, 0);
    assert.equal(runtime.pendingCount, 0);
  });

  it('disarm: idempotent, and legal for a timer that was never armed', () => {
    const { runtime, wheel } = create();
    const timer = new WheelTimer(() => assert.fail('not armed'));
    wheel.disarm(timer);
    wheel.arm(timer, 5);
    wheel.disarm(timer);
    wheel.disarm(timer);
    runtime.advance(100);
    assert.equal(runtime.pendingCount, 0);
  });

  it('arming again replaces: it fires once, at the later time or at the earlier one', () => {
    const { runtime, wheel } = create();
    const firedAtMs: number[] = [];
    const timer = new WheelTimer(() => firedAtMs.push(runtime.clock.now()));
    wheel.arm(timer, 10);
    wheel.arm(timer, 100);
    runtime.advance(99);
    assert.deepEqual(firedAtMs, []);
    wheel.arm(timer, 3);
    runtime.advance(200);
    assert.deepEqual(firedAtMs, [104]);
  });

  it('Infinity: never fires, and is armed until it is disarmed', () => {
    const { runtime, wheel } = create();
    const timer = new WheelTimer(() => assert.fail('not due'));
    wheel.arm(timer, Infinity);
    runtime.advance(100_000);
    assert(timer.isArmed);
    wheel.disarm(timer);
    assert.equal(runtime.pendingCount, 0);
  });
});
