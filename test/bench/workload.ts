/**
 * Workloads: what is done to a system while it is measured. Each one is done to IDC and to every
 * peer in the same words, so that their figures can stand side by side.
 */
import { isKeyOf } from './narrow.js';
import { Payloads } from './payloads.js';
import type { ScaleMetric, ScaleUnit } from './scale/scale-job.js';

export type Unit = 'msg/s' | 'GB/s' | 'us' | 'B' | ScaleUnit;
export type Metric = 'rate' | 'each' | 'p50' | 'p99' | 'p999' | 'bytes-per-item' | ScaleMetric;

export type SizeName = '8' | '64' | '512' | '4KiB' | '32KiB' | '256KiB' | '1MiB';

/** Bytes of an item, by the name that a workload gives them. */
export const sizes: Readonly<Record<SizeName, number>> = {
  '8': 8,
  '64': 64,
  '512': 512,
  '4KiB': 4 * 1024,
  '32KiB': 32 * 1024,
  '256KiB': 256 * 1024,
  '1MiB': 1024 * 1024,
};

export interface Workload {
  /** `flood`: one way, as fast as it goes. `round-trip`: one at a time, answered at length. */
  readonly shape: 'flood' | 'round-trip';
  /** Bytes of every item; `random` is 1 to 512. */
  readonly itemBytes: number | 'random';
  /** In what a flood's rate is told; `us` tells the time of each item instead. */
  readonly rateUnit: 'msg/s' | 'GB/s' | '1/s' | 'us';
  /** Until the compiler has settled at both ends, in every subject tried; in milliseconds. */
  readonly warmUpMs: number;
  /** True if not time is measured but the heap that an item leaves behind. */
  readonly allocation: boolean;
  /**
   * Who stands beside us: other systems, those that move bytes in bulk, our own loop without
   * guarantees, our own transactions without a load or without the driver kit, or nobody.
   */
  readonly beside: 'systems' | 'bulk' | 'stripped' | 'unloaded' | 'raw' | 'nobody';
}

export type WorkloadName =
  | `message-${SizeName | 'random'}`
  | `transaction-${SizeName}`
  | 'kit-transaction-64'
  | 'stripped-64'
  | 'stripped-random'
  | 'allocation-message'
  | 'allocation-transaction'
  | TransferWorkloadName
  | 'scale';

/** What is done with remote buffers; `transfer/transfer-plan.ts` says how. */
export type TransferWorkloadName =
  | 'transfer-64'
  | 'transfer-1MiB'
  | 'transfer-4KiB-random-read'
  | 'register-transfer-4KiB'
  | 'register-transfer-1MiB'
  | 'transaction-64-beside-transfer'
  | 'register-unregister'
  | 'narrow'
  | 'check-seen-before';

/** With both processors busy the compiler's threads have to wait. */
const busyWarmUpMs = 1500;

const plain = { rateUnit: 'msg/s', warmUpMs: 300, allocation: false, beside: 'systems' } as const;
const allocation = {
  itemBytes: 'random',
  rateUnit: 'msg/s',
  warmUpMs: 300,
  allocation: true,
  beside: 'nobody',
} as const;

function flood(itemBytes: number | 'random'): Workload {
  return { shape: 'flood', itemBytes, ...plain };
}

function roundTrip(itemBytes: number): Workload {
  return { shape: 'round-trip', itemBytes, ...plain };
}

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  'message-8': flood(sizes['8']),
  'message-64': flood(sizes['64']),
  'message-512': flood(sizes['512']),
  'message-4KiB': flood(sizes['4KiB']),
  'message-32KiB': flood(sizes['32KiB']),
  'message-256KiB': flood(sizes['256KiB']),
  'message-1MiB': { ...flood(sizes['1MiB']), rateUnit: 'GB/s' },
  'message-random': flood('random'),
  'transaction-8': roundTrip(sizes['8']),
  'transaction-64': roundTrip(sizes['64']),
  'transaction-512': roundTrip(sizes['512']),
  'transaction-4KiB': roundTrip(sizes['4KiB']),
  'transaction-32KiB': roundTrip(sizes['32KiB']),
  'transaction-256KiB': roundTrip(sizes['256KiB']),
  'transaction-1MiB': roundTrip(sizes['1MiB']),
  'kit-transaction-64': { ...roundTrip(sizes['64']), beside: 'raw' },
  'stripped-64': { ...flood(sizes['64']), beside: 'stripped' },
  'stripped-random': { ...flood('random'), beside: 'stripped' },
  'allocation-message': { shape: 'flood', ...allocation },
  'allocation-transaction': { shape: 'round-trip', ...allocation },
  'transfer-64': { ...flood(sizes['64']), rateUnit: '1/s', beside: 'bulk' },
  'transfer-1MiB': {
    ...flood(sizes['1MiB']),
    rateUnit: 'GB/s',
    warmUpMs: busyWarmUpMs,
    beside: 'bulk',
  },
  'transfer-4KiB-random-read': {
    ...flood(sizes['4KiB']),
    rateUnit: '1/s',
    beside: 'nobody',
  },
  'register-transfer-4KiB': { ...roundTrip(sizes['4KiB']), beside: 'nobody' },
  'register-transfer-1MiB': { ...roundTrip(sizes['1MiB']), beside: 'nobody' },
  'transaction-64-beside-transfer': {
    ...roundTrip(sizes['64']),
    warmUpMs: busyWarmUpMs,
    beside: 'unloaded',
  },
  'register-unregister': { ...flood(sizes['4KiB']), rateUnit: 'us', beside: 'nobody' },
  narrow: { ...flood(sizes['4KiB']), rateUnit: 'us', beside: 'nobody' },
  'check-seen-before': { ...flood(sizes['4KiB']), rateUnit: 'us', beside: 'nobody' },
  scale: { ...flood(sizes['64']), beside: 'nobody' },
};

export function isWorkloadName(text: string): text is WorkloadName {
  return isKeyOf(workloads, text);
}

/** The bodies that one process cycles through during a workload. */
export function makePayloads(name: WorkloadName): Payloads {
  const { itemBytes } = workloads[name];
  if (itemBytes === 'random') return Payloads.random(4096, 512);
  return Payloads.equal(countWithin(4 * 1024 * 1024, itemBytes, 4, 1024), itemBytes);
}

/** Most bytes in one body of a workload. */
export function itemBytesMax(name: WorkloadName): number {
  const { itemBytes } = workloads[name];
  return itemBytes === 'random' ? 512 : itemBytes;
}

/**
 * How many items of so many bytes fit into `totalBytes`, but `least` to `most`: what may be on the
 * way, or be cycled through.
 */
export function countWithin(
  totalBytes: number,
  itemBytes: number,
  least: number,
  most: number,
): number {
  return Math.min(most, Math.max(least, Math.floor(totalBytes / itemBytes)));
}
