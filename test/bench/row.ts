/** Row: one figure as it is reported, in the table and in the file of `--json`. */
import type { Figure } from './contender.js';
import type { TransportName } from './peers/peer.js';
import type { Metric, Unit } from './workload.js';

export interface Row {
  readonly case: string;
  readonly transport: TransportName;
  /** The system measured beside ours; null for ours. */
  readonly peer: string | null;
  readonly metric: Metric;
  readonly value: number;
  readonly unit: Unit;
  /** Ours divided by this row's value. */
  readonly ratio: number;
}

export const ratioMeaning =
  "ratio = ours / this row's value: above 1 is good for a rate, below 1 for a time or for bytes";

/** One figure per metric for all runs: the least allocation, and the median of everything else. */
export function summarize(runs: readonly (readonly Figure[])[]): Figure[] {
  const metrics = new Map<Metric, Figure[]>();
  for (const figure of runs.flat()) {
    metrics.set(figure.metric, [...(metrics.get(figure.metric) ?? []), figure]);
  }
  return [...metrics.values()].flatMap((figures) => {
    const [first] = figures;
    if (first === undefined) return [];
    const values = figures.map((figure) => figure.value);
    const value = first.metric === 'bytes-per-item' ? Math.min(...values) : median(values);
    return [{ metric: first.metric, unit: first.unit, value }];
  });
}

/**
 * In words, what the guarantees take of the rate that the same bytes have without them; nothing if
 * the stripped loop is not among the rows.
 */
export function reliabilityCost(rows: readonly Row[]): string[] {
  return rows
    .filter(({ peer }) => peer === 'stripped')
    .map(
      ({ case: name, ratio }) => `${name}: reliability costs ${Math.round(100 * (1 - ratio))} %`,
    );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const below = sorted[Math.floor(middle)] ?? Number.NaN;
  const above = sorted[Math.ceil(middle)] ?? Number.NaN;
  return (below + above) / 2;
}
