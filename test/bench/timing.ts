/** Timing: the rate of a flood, and the quantiles of round trips. */
import type { Figure } from './contender.js';
import { Durations } from './durations.js';
import type { Payloads } from './payloads.js';
import type { Session } from './session.js';
import { itemBytesMax, makePayloads, workloads, type WorkloadName } from './workload.js';

/** One run. Short, so that a case with all its peers stays under 15 s. */
const runMs = 150;

/** Warms the session up; what it answers makes one run. */
export async function prepareTiming(
  session: Session,
  workload: WorkloadName,
): Promise<() => Promise<Figure[]>> {
  const payloads = makePayloads(workload);
  const { warmUpMs } = workloads[workload];
  if (workloads[workload].shape === 'flood') {
    await session.flood(payloads, warmUpMs);
    return () => timeFlood(session, payloads, workload);
  }
  const durations = new Durations();
  await session.roundTrips(payloads, durations, warmUpMs);
  return () => timeRoundTrips(session, payloads, durations);
}

async function timeFlood(
  session: Session,
  payloads: Payloads,
  workload: WorkloadName,
): Promise<Figure[]> {
  const unit = workloads[workload].rateUnit;
  const startMs = performance.now();
  const items = await session.flood(payloads, runMs);
  const seconds = (performance.now() - startMs) / 1000;
  if (unit === 'us') return [{ metric: 'each', unit, value: (seconds * 1e6) / items }];
  const scale = unit === 'GB/s' ? itemBytesMax(workload) / 1e9 : 1;
  return [{ metric: 'rate', unit, value: (items * scale) / seconds }];
}

async function timeRoundTrips(
  session: Session,
  payloads: Payloads,
  durations: Durations,
): Promise<Figure[]> {
  durations.clear();
  const { movedBytes } = session;
  const startMs = performance.now();
  await session.roundTrips(payloads, durations, runMs);
  const seconds = (performance.now() - startMs) / 1000;
  const moved: Figure[] = [];
  if (session.movedBytes !== undefined && movedBytes !== undefined) {
    const value = (session.movedBytes - movedBytes) / 1e9 / seconds;
    moved.push({ metric: 'rate', unit: 'GB/s', value });
  }
  return [
    { metric: 'p50', unit: 'us', value: durations.quantileUs(0.5) },
    { metric: 'p99', unit: 'us', value: durations.quantileUs(0.99) },
    { metric: 'p999', unit: 'us', value: durations.quantileUs(0.999) },
    ...moved,
  ];
}
