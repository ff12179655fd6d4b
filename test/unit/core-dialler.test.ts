/** When the dialling end tries again: at once, then ever later, and slowly after a refusal. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Dialler } from '../../core/dialler.js';
import { makeLimits } from '../../core/limits.js';
import { TimerWheel } from '../../core/timer-wheel.js';
import { VirtualRuntime } from './virtual-runtime.js';

const limits = makeLimits({ dialMinMs: 20, dialMaxMs: 5000 });

class Rig {
  readonly runtime: VirtualRuntime;
  readonly dialler: Dialler;
  readonly dialledAtMs: number[] = [];

  constructor(seed = 1) {
    this.runtime = new VirtualRuntime(seed);
    const wheel = new TimerWheel(this.runtime);
    this.dialler = new Dialler(this.runtime, wheel, limits, () => {
      this.dialledAtMs.push(this.runtime.clock.now());
    });
  }

  /** Fails `count` times in a row; answers the delays. */
  fail(count: number): number[] {
    return Array.from({ length: count }, () => {
      const delayMs = this.dialler.retry(false);
      this.runtime.advance(delayMs + 4);
      return delayMs;
    });
  }

  /** An epoch that lives for `durationMs`. */
  live(durationMs: number): void {
    this.dialler.connected();
    this.runtime.advance(durationMs);
  }
}

describe('dialler', () => {
  it('start: the first attempt comes at once, but not before start returns', () => {
    const rig = new Rig();
    rig.dialler.start();
    assert.deepEqual(rig.dialledAtMs, []);
    rig.runtime.advance(4);
    assert.equal(rig.dialledAtMs.length, 1);
  });

  it('the first retry comes at once, the next ones after half to all of a doubling delay', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const [first, ...others] = new Rig(seed).fail(14);
      assert.equal(first, 0);
      others.forEach((delayMs, index) => {
        const ceiling = Math.min(5000, 20 * 2 ** index);
        assert(delayMs >= ceiling / 2 && delayMs <= ceiling, `${index}: ${delayMs}`);
      });
    }
  });

  it('jitter: delays spread over the upper half of the range', () => {
    const delays = Array.from({ length: 200 }, (_, seed) => new Rig(seed + 1).fail(2)[1] ?? 0);
    assert(Math.min(...delays) < 11);
    assert(Math.max(...delays) > 19);
  });

  it('each attempt is made once, never before its delay and at most a tick after it', () => {
    const rig = new Rig();
    for (let count = 0; count < 12; count++) {
      const plannedMs = rig.runtime.clock.now();
      const delayMs = rig.dialler.retry(false);
      rig.runtime.advance(6000);
      const lateMs = (rig.dialledAtMs.at(-1) ?? 0) - plannedMs - delayMs;
      assert(lateMs >= 0 && lateMs <= 4, `${lateMs}`);
    }
    assert.equal(rig.dialledAtMs.length, 12);
  });

  it('after an epoch that lived, the first retry comes at once again', () => {
    const rig = new Rig();
    rig.fail(8);
    rig.live(20);
    assert.equal(rig.dialler.retry(false), 0);
    assert((rig.fail(1)[0] ?? 0) > 0);
  });

  it('an epoch that lived for less than a delay earns no fresh start', () => {
    const rig = new Rig();
    rig.fail(8);
    rig.live(19);
    assert(rig.dialler.retry(false) >= 20 * 2 ** 6);
  });

  it('nor does it earn one later, however long the next attempt takes to fail', () => {
    const rig = new Rig();
    rig.fail(8);
    rig.live(5);
    rig.dialler.retry(false);
    rig.runtime.advance(60_000);
    assert(rig.dialler.retry(false) >= 20 * 2 ** 7);
  });

  it('slow: between half and whole of the longest delay, first or not', () => {
    const rig = new Rig();
    for (let count = 0; count < 20; count++) {
      const delayMs = rig.dialler.retry(true);
      assert(delayMs >= 2500 && delayMs <= 5000, `${delayMs}`);
    }
  });

  it('many failures: the delay stays at its longest', () => {
    const delays = new Rig().fail(100);
    assert(delays.slice(20).every((delayMs) => delayMs >= 2500 && delayMs <= 5000));
  });

  it('stop: no attempt follows, and no timer is left', () => {
    const rig = new Rig();
    rig.dialler.start();
    rig.dialler.stop();
    rig.dialler.retry(false);
    rig.dialler.stop();
    assert.equal(rig.runtime.pendingCount, 0);
    rig.runtime.advance(10_000);
    assert.deepEqual(rig.dialledAtMs, []);
  });
});
