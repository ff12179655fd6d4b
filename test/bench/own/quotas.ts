/** The quotas that our cases use, and how they read in a note. */
import type { Quota } from 'idc';

import { itemBytesMax, type WorkloadName } from '../workload.js';

/** For the one transaction of a flood, which asks for a count. */
const floodTransactionBytes = 64;

/** What an endpoint of a workload may have outstanding, with as many messages as said. */
export function quotaFor(workload: WorkloadName, messages: number): Partial<Quota> {
  const bytes = itemBytesMax(workload);
  const transactionBytes = bytes > 4096 ? floodTransactionBytes : bytes;
  return {
    messages,
    messageBytes: bytes,
    parameterBytes: transactionBytes,
    statusBytes: transactionBytes,
  };
}

export function describeQuota(quota: Quota): string {
  const { messages, messageBytes, transactions, parameterBytes } = quota;
  return `quota ${messages} x ${messageBytes} B, ${transactions} x ${parameterBytes} B`;
}
