/** The real runtime, but its timers run when the test says so. */
import { createRuntime, type Runtime } from '../../core/runtime.js';

export interface ManualRuntime {
  readonly runtime: Runtime;
  /** What is to run, and after so many milliseconds. */
  readonly timers: Map<() => void, number>;
}

export function createManualRuntime(): ManualRuntime {
  const timers = new Map<() => void, number>();
  const runtime = createRuntime();
  const { scheduler } = runtime;
  return {
    timers,
    runtime: {
      ...runtime,
      scheduler: {
        soon: (task) => scheduler.soon(task),
        next: (task) => scheduler.next(task),
        after: (delayMs, task) => {
          timers.set(task, delayMs);
          return { cancel: () => void timers.delete(task) };
        },
      },
    },
  };
}
