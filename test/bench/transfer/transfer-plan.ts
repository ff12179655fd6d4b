/** TransferPlan: what a workload does with one remote buffer, and how much of it at a time. */
import { sizes, type TransferWorkloadName, type WorkloadName } from '../workload.js';

/** Modes of a registration, as the variants of a job name them. */
export type TransferMode = 'copy' | 'map';

export interface TransferPlan {
  /** Bytes of the buffer that the far end registers. */
  readonly remoteBytes: number;
  /** Transfers that are under way at one time, by mode: in map mode each is done at its call. */
  readonly outstanding: Readonly<Record<TransferMode, number>>;
  /** `random-read`: from whole multiples of the item's bytes, chosen by chance. */
  readonly kind: 'write' | 'random-read';
}

/** A buffer larger than the processor's caches. */
const manyBytes = 64 * 1024 * 1024;

const plans: Readonly<Partial<Record<WorkloadName, TransferPlan>>> = {
  'transfer-64': {
    remoteBytes: sizes['1MiB'],
    outstanding: { copy: 32, map: 1 },
    kind: 'write',
  },
  'transfer-1MiB': {
    remoteBytes: sizes['1MiB'],
    outstanding: { copy: 8, map: 1 },
    kind: 'write',
  },
  'transfer-4KiB-random-read': {
    remoteBytes: manyBytes,
    outstanding: { copy: 32, map: 1 },
    kind: 'random-read',
  },
} satisfies Partial<Record<TransferWorkloadName, TransferPlan>>;

/** Where a workload has no plan its near end owns the buffer. */
export function transferPlanOf(workload: WorkloadName): TransferPlan | undefined {
  return plans[workload];
}
