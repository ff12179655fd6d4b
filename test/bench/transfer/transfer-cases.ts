/** The cases of remote buffers: transfers in both modes, and what registering and checking cost. */
import type { Case } from '../cases.js';
import type { SubjectName, Variant } from '../job.js';
import { startNearEnd } from '../near-end-process.js';
import type { TransportName } from '../peers/peer.js';
import type { TransferWorkloadName } from '../workload.js';

/** Those that have a subject here. */
type TransferTransport = {
  [T in TransportName]: `idc-transfer-${T}` extends SubjectName ? T : never;
}[TransportName];

function makeCases(
  transport: TransferTransport,
  workload: TransferWorkloadName,
  ...variants: readonly Variant[]
): Case[] {
  return variants.map((variant) => {
    const name = `${transport}/${workload}${variants.length > 1 ? `:${variant}` : ''}`;
    const job = { subject: `idc-transfer-${transport}`, workload, variant } as const;
    return { name, transport, workload, isBusy: false, start: () => startNearEnd(job) };
  });
}

export const transferCases: readonly Case[] = [
  ...makeCases('memory', 'register-unregister', 'copy'),
  ...makeCases('memory', 'narrow', 'copy'),
  ...makeCases('memory', 'check-seen-before', 'copy'),
  ...makeCases('ring-process', 'transfer-1MiB', 'map', 'copy'),
  ...makeCases('ring-process', 'transfer-64', 'map', 'copy'),
  ...makeCases('ring-process', 'register-transfer-4KiB', 'map', 'copy'),
  ...makeCases('ring-process', 'register-transfer-1MiB', 'map', 'copy'),
  ...makeCases('tcp', 'transfer-1MiB', 'copy'),
  ...makeCases('tcp', 'transfer-4KiB-random-read', 'copy'),
  ...makeCases('tcp', 'transaction-64-beside-transfer', 'copy'),
];
