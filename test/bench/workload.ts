/**
 * Workloads: what is done to a system while it is measured. Each one is done to IDC and to every
 * peer in the same words, so that their figures can stand side by side.
 */
import { isKeyOf } from './narrow.js';
import { Payloads } from './payloads.js';

export type Unit = 'msg/s' | 'GB/s' | 'us' | 'B';
export type Metric = 'rate' | 'p50' | 'p99' | 'p999' | 'bytes-per-item';

export interface Workload {
  /** `flood`: one way, as fast as it goes. `round-trip`: one at a time, each one answered. */
  readonly shape: 'flood' | 'round-trip';
  /** Bytes of every item; `random` is 1 to 512. */
  readonly itemBytes: number | 'random';
  /** In what a flood's rate is told. */
  readonly rateUnit: 'msg/s' | 'GB/s';
  /** True if not time is measured but the heap that an item leaves behind. */
  readonly allocation: boolean;
}

const small = { itemBytes: 64, rateUnit: 'msg/s', allocation: false } as const;
const random = { itemBytes: 'random', rateUnit: 'msg/s', allocation: false } as const;
const large = { itemBytes: 1024 * 1024, rateUnit: 'GB/s', allocation: false } as const;

export type WorkloadName =
  | 'message-64'
  | 'message-random'
  | 'message-1MiB'
  | 'transaction-64'
  | 'allocation-message'
  | 'allocation-transaction';

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  'message-64': { shape: 'flood', ...small },
  'message-random': { shape: 'flood', ...random },
  'message-1MiB': { shape: 'flood', ...large },
  'transaction-64': { shape: 'round-trip', ...small },
  'allocation-message': { shape: 'flood', ...random, allocation: true },
  'allocation-transaction': { shape: 'round-trip', ...random, allocation: true },
};

export function isWorkloadName(text: string): text is WorkloadName {
  return isKeyOf(workloads, text);
}

/** The bodies that one process cycles through during a workload. */
export function makePayloads(name: WorkloadName): Payloads {
  const { itemBytes } = workloads[name];
  if (itemBytes === 'random') return Payloads.random(4096, 512);
  return Payloads.equal(itemBytes <= 4096 ? 1024 : 4, itemBytes);
}

/** Most bytes in one body of a workload. */
export function itemBytesMax(name: WorkloadName): number {
  const { itemBytes } = workloads[name];
  return itemBytes === 'random' ? 512 : itemBytes;
}
