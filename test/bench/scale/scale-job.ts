/** ScaleJob: how many endpoints of one process lead to another one, over what, how both wait. */
import type { Quota, WaitStrategy } from 'idc';
import { isOneOf } from '../narrow.js';
import type { TransportName } from '../peers/peer.js';

const transports = ['tcp', 'ring-process'] as const;
const waits = ['park', 'adaptive'] as const;

export interface ScaleJob {
  readonly transport: (typeof transports)[number] & TransportName;
  readonly endpoints: number;
  readonly wait: (typeof waits)[number] & WaitStrategy;
}

/** `…-idle` is of one core; `one-busy` and `all-busy` are of one message, at both ends together. */
export type ScaleMetric =
  | 'connect-rate'
  | 'connect-cpu'
  | 'near-rss'
  | 'far-rss'
  | 'kernel'
  | 'near-idle'
  | 'far-idle'
  | 'one-busy'
  | 'all-busy';
export type ScaleUnit = '1/s' | 'KiB' | '%';

/** A small one: what it takes is part of the memory that is measured. */
export const scaleQuota: Quota = {
  messages: 8,
  messageBytes: 64,
  transactions: 2,
  parameterBytes: 64,
  statusBytes: 64,
};

export function encodeScaleJob(job: ScaleJob): string[] {
  return [job.transport, String(job.endpoints), job.wait];
}

export function decodeScaleJob(words: readonly string[]): ScaleJob {
  const [transport, endpoints, wait] = words;
  if (!isOneOf(transports, transport)) throw new Error(`no scale over ${String(transport)}`);
  if (!isOneOf(waits, wait)) throw new Error(`unknown wait strategy ${String(wait)}`);
  return { transport, endpoints: Number(endpoints), wait };
}
