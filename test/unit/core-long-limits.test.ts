/** Time limits beyond what a timer of the platform can wait. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createRuntime, type Runtime } from '../../core/runtime.js';
import { TimerWheel, WheelTimer } from '../../core/timer-wheel.js';

/** The longest wait of `setTimeout`; a longer one is cut to 1 ms, with a warning. */
const platformMs = 2 ** 31 - 1;

it('a limit of months asks the platform for no longer wait than it has', () => {
  const asked: number[] = [];
  const real = createRuntime();
  const runtime: Runtime = {
    ...real,
    scheduler: {
      ...real.scheduler,
      after: (delayMs) => {
        asked.push(delayMs);
        return { cancel: () => undefined };
      },
    },
  };
  const wheel = new TimerWheel(runtime);
  wheel.arm(new WheelTimer(() => undefined), 90 * 24 * 3600 * 1000);
  assert.ok(asked.length > 0 && asked.every((delayMs) => delayMs <= platformMs), asked.join());
});
