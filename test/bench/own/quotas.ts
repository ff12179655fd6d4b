/** The quotas that our cases use, and how they read in a note. */
import type { Quota } from 'idc';

import { itemBytesMax, workloads, type WorkloadName } from '../workload.js';

/** For the one transaction of a flood, which asks for a count. */
const floodTransactionBytes = 64;
/** One at a time is all that a round trip needs; large ones leave it at a few. */
const largeTransactions = 4;
const largeBytes = 4096;

/** What an endpoint of a workload may have outstanding, with as many messages as said. */
export function quotaFor(workload: WorkloadName, messages: number): Partial<Quota> {
  const bytes = itemBytesMax(workload);
  const isFlood = workloads[workload].shape === 'flood';
  const transactionBytes = isFlood ? floodTransactionBytes : bytes;
  return {
    messages,
    messageBytes: bytes,
    parameterBytes: transactionBytes,
    statusBytes: transactionBytes,
    ...(transactionBytes > largeBytes ? { transactions: largeTransactions } : {}),
  };
}

export function describeQuota(quota: Quota): string {
  const { messages, messageBytes, transactions, parameterBytes } = quota;
  return `quota ${messages} x ${messageBytes} B, ${transactions} x ${parameterBytes} B`;
}
