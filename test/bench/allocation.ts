/**
 * Allocation: the heap that one item leaves behind in steady state, over this process.
 *
 * The young generation is made so large (`allocationArguments`) that no collection falls into a
 * run; then what the heap grew by is what was allocated. A run with a collection in it counts for
 * nothing and is repeated with half the time. What the bench itself leaves behind for each round
 * trip, the boxed number of a clock reading, is measured in the same way and taken off.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

import type { Figure } from './contender.js';
import { Durations } from './durations.js';
import type { Session } from './session.js';
import { makePayloads, workloads, type WorkloadName } from './workload.js';

/** How a process that measures allocation has to be started. */
export const allocationArguments: readonly string[] = [
  '--expose-gc',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
];

const warmUpMs = 500;
const runMs = 60;
const runMsMin = 1;
/** Short enough that its garbage never fills the young generation. */
const clockMs = 10;
/** Until a collection has swept all that it found and its observer is told. */
const settleMs = 20;

/** Warms the session up; what it answers makes one run. */
export async function prepareAllocation(
  session: Session,
  workload: WorkloadName,
): Promise<() => Promise<Figure[]>> {
  const drive = makeDrive(session, workload);
  await drive(warmUpMs);
  const collections = new CollectionCounter();
  let ms = runMs;
  // The first run still finds what the warm-up left to sweep.
  await measureRun(drive, ms, collections);
  const isRoundTrip = workloads[workload].shape === 'round-trip';
  const clockBytes = isRoundTrip ? await measureClock(collections) : 0;
  return async () => {
    for (; ms >= runMsMin; ms /= 2) {
      const { bytes, items, isClean } = await measureRun(drive, ms, collections);
      const value = Math.max(0, bytes / items - clockBytes);
      if (isClean) return [{ metric: 'bytes-per-item', unit: 'B', value }];
    }
    throw new Error('the heap is collected within a millisecond');
  };
}

/** Runs the workload for a while and answers the number of items. */
type Drive = (durationMs: number) => Promise<number>;

function makeDrive(session: Session, workload: WorkloadName): Drive {
  const payloads = makePayloads(workload);
  if (workloads[workload].shape === 'flood') return (ms) => session.flood(payloads, ms);
  const durations = new Durations();
  return async (ms) => {
    durations.clear();
    await session.roundTrips(payloads, durations, ms);
    return durations.count;
  };
}

/** Bytes that one reading of the clock leaves behind. */
async function measureClock(collections: CollectionCounter): Promise<number> {
  await readClock(runMs);
  const { bytes, items } = await measureRun(readClock, clockMs, collections);
  return bytes / items;
}

/** The clock is read as in a session's round trips, with no trip in between. */
function readClock(durationMs: number): Promise<number> {
  const endMs = performance.now() + durationMs;
  let items = 0;
  while (performance.now() < endMs) items += 1;
  return Promise.resolve(items);
}

interface RunResult {
  readonly bytes: number;
  readonly items: number;
  /** True if nothing was collected meanwhile. */
  readonly isClean: boolean;
}

async function measureRun(
  drive: Drive,
  ms: number,
  collections: CollectionCounter,
): Promise<RunResult> {
  globalThis.gc?.();
  await collections.clear();
  const before = process.memoryUsage();
  const items = await drive(ms);
  const after = process.memoryUsage();
  const bytes = after.heapUsed - before.heapUsed + after.external - before.external;
  return { bytes, items, isClean: (await collections.count()) === 0 };
}

class CollectionCounter {
  #count = 0;

  constructor() {
    const observer = new PerformanceObserver((list) => {
      this.#count += list.getEntries().length;
    });
    observer.observe({ entryTypes: ['gc'] });
  }

  /** Collections since `clear`. */
  async count(): Promise<number> {
    await pause(settleMs);
    return this.#count;
  }

  async clear(): Promise<void> {
    await this.count();
    this.#count = 0;
  }
}
