/**
 * Contender: one of those measured side by side in a case, IDC or a peer. It is open and warm, and
 * makes one run at a time, so that the runs of a case can take turns: what else the machine does
 * then falls on all of them alike.
 */
import type { Metric, Unit } from './workload.js';

/** What one run, or the median of several, came to. */
export interface Figure {
  readonly metric: Metric;
  readonly unit: Unit;
  readonly value: number;
}

export interface Contender {
  /** What a reader of the figures has to know: quota, way of waiting, size of writes. */
  readonly note: string;
  /** One run; the same metrics every time. Rejects if it cannot be made. */
  run(): Promise<readonly Figure[]>;
  stop(): Promise<void>;
}

/** `missing`: it cannot be loaded here, as when its package is not installed. */
export type Start =
  | { readonly kind: 'ready'; readonly contender: Contender }
  | { readonly kind: 'missing' | 'failed'; readonly reason: string };
