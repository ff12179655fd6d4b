/** The cases: what of ours is measured, and with which peers beside it. */
import type { Start } from './contender.js';
import type { Job, Variant } from './job.js';
import { startNearEnd } from './near-end-process.js';
import type { TransportName } from './peers/peer.js';
import { workloads, type WorkloadName } from './workload.js';

export interface Case {
  /** `<transport>/<what>`, with `:<variant>` where there are several. */
  readonly name: string;
  readonly transport: TransportName;
  readonly workload: WorkloadName;
  /** False where no peer has anything to compare: allocation. */
  readonly hasPeers: boolean;
  /** True if it keeps the processor busy even between runs, so that it cannot take turns. */
  readonly isBusy: boolean;
  start(): Promise<Start>;
}

interface Choice {
  readonly variant: Variant;
  /** False where the variant is the only one, or the one that goes without saying. */
  readonly isNamed: boolean;
}

const only = (variant: Variant): Choice => ({ variant, isNamed: false });
const named = (variant: Variant): Choice => ({ variant, isNamed: true });

function makeCases(
  transport: TransportName,
  workload: WorkloadName,
  ...choices: readonly Choice[]
): Case[] {
  return choices.map(({ variant, isNamed }) => {
    const job: Job = { subject: `idc-${transport}`, workload, variant };
    return {
      name: `${transport}/${workload}${isNamed ? `:${variant}` : ''}`,
      transport,
      workload,
      hasPeers: !workloads[workload].allocation,
      isBusy: variant === 'spin',
      start: () => startNearEnd(job),
    };
  });
}

export const cases: readonly Case[] = [
  ...makeCases('memory', 'message-64', only('poll'), named('adaptive')),
  ...makeCases('memory', 'message-random', only('poll')),
  ...makeCases('memory', 'message-1MiB', only('poll')),
  ...makeCases('memory', 'transaction-64', named('callback'), named('promise')),
  ...makeCases('memory', 'allocation-message', only('poll')),
  ...makeCases('memory', 'allocation-transaction', named('callback'), named('promise')),
  ...makeCases('tcp', 'message-64', only('adaptive')),
  ...makeCases('tcp', 'message-random', only('adaptive')),
  ...makeCases('tcp', 'message-1MiB', only('adaptive')),
  ...makeCases(
    'tcp',
    'transaction-64',
    named('park'),
    named('adaptive'),
    named('spin'),
    named('promise'),
  ),
  ...makeCases('tcp', 'allocation-message', only('adaptive')),
  ...makeCases('tcp', 'allocation-transaction', named('callback'), named('promise')),
];
