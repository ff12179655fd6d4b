/**
 * The runtime that a domain lends to its transports: the domain's own, but timers are on its wheel.
 * So a link's time limits also hold in a loop that calls `domain.poll` and never yields.
 */
import type { Runtime } from './runtime.js';
import { WheelTimer, type TimerWheel } from './timer-wheel.js';

export function makeTransportRuntime(runtime: Runtime, wheel: TimerWheel): Runtime {
  const { clock, prng, scheduler } = runtime;
  return {
    clock,
    prng,
    scheduler: {
      soon: (task) => {
        scheduler.soon(task);
      },
      next: (task) => {
        scheduler.next(task);
      },
      after: (delayMs, task) => {
        const timer = new WheelTimer(task);
        wheel.arm(timer, delayMs);
        return {
          cancel: () => {
            wheel.disarm(timer);
          },
        };
      },
    },
    trackCalls: <T>() => runtime.trackCalls<T>(),
    crash: (error) => {
      runtime.crash(error);
    },
  };
}
