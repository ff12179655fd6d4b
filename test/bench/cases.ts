/** The cases: what of ours is measured, and with which peers beside it. */
import type { Start } from './contender.js';
import type { Job, SubjectName, Variant } from './job.js';
import { startNearEnd } from './near-end-process.js';
import type { TransportName } from './peers/peer.js';
import { scaleCases } from './scale/scale-cases.js';
import { transferCases } from './transfer/transfer-cases.js';
import type { WorkloadName } from './workload.js';

export interface Case {
  /** `<transport>/<what>`, with `:<variant>` where there are several. */
  readonly name: string;
  readonly transport: TransportName;
  readonly workload: WorkloadName;
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

/** Those that have a subject of ours. */
export type OwnTransport = {
  [T in TransportName]: `idc-${T}` extends SubjectName ? T : never;
}[TransportName];

function makeCases(
  transport: OwnTransport,
  workload: WorkloadName,
  ...choices: readonly Choice[]
): Case[] {
  return choices.map(({ variant, isNamed }) => {
    const name = `${transport}/${workload}${isNamed ? `:${variant}` : ''}`;
    return makeCase(name, transport, workload, variant);
  });
}

export function makeCase(
  name: string,
  transport: OwnTransport,
  workload: WorkloadName,
  variant: Variant,
): Case {
  const job: Job = { subject: `idc-${transport}`, workload, variant };
  // In a plain loop between two threads or processes the far end polls without a pause.
  const isBusy = variant === 'spin' || (variant === 'poll' && transport !== 'memory');
  return { name, transport, workload, isBusy, start: () => startNearEnd(job) };
}

const ringCases: readonly Case[] = (
  ['ring-process', 'ring-thread', 'ring-shared'] as const
).flatMap((transport) => [
  ...makeCases(transport, 'message-64', only('adaptive'), named('poll')),
  ...makeCases(transport, 'message-random', only('adaptive'), named('poll')),
  ...makeCases(transport, 'message-1MiB', only('adaptive'), named('poll')),
  ...makeCases(
    transport,
    'transaction-64',
    named('park'),
    named('adaptive'),
    named('promise'),
    named('poll'),
  ),
]);

/** What a driver made with the kit adds to a transaction: the ratio to the raw one. */
const kitCase: Case = {
  name: 'ring-process/kit-transaction-64',
  transport: 'ring-process',
  workload: 'kit-transaction-64',
  isBusy: false,
  start: () => {
    return startNearEnd({ subject: 'idc-kit', workload: 'kit-transaction-64', variant: 'promise' });
  },
};

export const cases: readonly Case[] = [
  ...makeCases('memory', 'message-64', only('poll'), named('adaptive')),
  ...makeCases('memory', 'message-random', only('poll')),
  ...makeCases('memory', 'message-1MiB', only('poll')),
  ...makeCases('memory', 'stripped-64', only('poll')),
  ...makeCases('memory', 'stripped-random', only('poll')),
  ...makeCases('memory', 'transaction-64', named('callback'), named('promise')),
  ...makeCases('memory', 'allocation-message', only('poll')),
  ...makeCases('memory', 'allocation-transaction', named('callback'), named('promise')),
  ...makeCases('tcp', 'message-64', only('adaptive')),
  ...makeCases('tcp', 'message-random', only('adaptive')),
  ...makeCases('tcp', 'message-1MiB', only('adaptive')),
  ...makeCases('tcp', 'stripped-64', only('adaptive')),
  ...makeCases('tcp', 'stripped-random', only('adaptive')),
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
  ...ringCases,
  kitCase,
  ...makeCases('ring-process', 'allocation-message', only('poll')),
  ...makeCases('ring-process', 'allocation-transaction', named('callback'), named('promise')),
  ...transferCases,
  ...scaleCases,
];
