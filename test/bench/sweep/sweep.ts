/**
 * The sweep: rate and round trip of every system by the length of its messages, for the charts.
 * At each length all systems of a medium take turns, as in a case of the table.
 */
import { makeCase, type Case, type OwnTransport } from '../cases.js';
import type { Variant } from '../job.js';
import { peers } from '../peers/index.js';
import type { Medium } from '../peers/peer.js';
import type { Row } from '../row.js';
import { runCase } from '../run-case.js';
import { workloads, type SizeName, type WorkloadName } from '../workload.js';
import type { SweepRow } from './sweep-file.js';

/** What of ours is drawn, and how it is used: one line for each transport. */
const ours: readonly {
  readonly transport: OwnTransport;
  readonly medium: Medium;
  readonly flood: Variant;
  readonly roundTrip: Variant;
  /** True for the one of its medium beside which the peers are measured. */
  readonly hasPeers: boolean;
}[] = [
  { transport: 'tcp', medium: 'tcp', flood: 'adaptive', roundTrip: 'adaptive', hasPeers: true },
  { transport: 'memory', medium: 'local', flood: 'poll', roundTrip: 'callback', hasPeers: true },
  { transport: 'ring-process', medium: 'local', flood: 'poll', roundTrip: 'poll', hasPeers: false },
  { transport: 'ring-thread', medium: 'local', flood: 'poll', roundTrip: 'poll', hasPeers: false },
];

const sizeNames: readonly SizeName[] = ['8', '64', '512', '4KiB', '32KiB', '256KiB', '1MiB'];

export interface SweepResult {
  readonly rows: readonly SweepRow[];
  readonly notes: readonly string[];
  readonly problems: readonly string[];
}

/** One length of one shape on one of our transports. */
interface Step {
  readonly theCase: Case;
  readonly medium: Medium;
  readonly hasPeers: boolean;
}

function makeSteps(only: RegExp): Step[] {
  return ours
    .flatMap(({ transport, medium, flood, roundTrip, hasPeers }) =>
      sizeNames.flatMap((size) => {
        const make = (workload: WorkloadName, variant: Variant): Step => {
          const name = `charts/${transport}/${workload}`;
          return { theCase: makeCase(name, transport, workload, variant), medium, hasPeers };
        };
        return [make(`message-${size}`, flood), make(`transaction-${size}`, roundTrip)];
      }),
    )
    .filter(({ theCase }) => only.test(theCase.name));
}

/** The names of its steps; `only` chooses among them. */
export function sweepNames(only: RegExp): string[] {
  return makeSteps(only).map(({ theCase }) => theCase.name);
}

/** Calls `told` after each step. */
export async function sweep(
  only: RegExp,
  runs: number,
  told: (name: string, result: SweepResult) => void,
): Promise<SweepRow[]> {
  const rows: SweepRow[] = [];
  for (const { theCase, medium, hasPeers } of makeSteps(only)) {
    const workload = workloads[theCase.workload];
    const beside = peers.filter((peer) => peer.medium === medium && peer.measures(workload));
    const result = await runCase(theCase, hasPeers ? beside : [], runs);
    const more = result.rows.flatMap((row) => toSweepRow(row, theCase, medium));
    told(theCase.name, { rows: more, notes: result.notes, problems: result.problems });
    rows.push(...more);
  }
  return rows;
}

/** Nothing for the figures that no chart shows. */
function toSweepRow(row: Row, { transport, workload }: Case, medium: Medium): SweepRow[] {
  const { itemBytes } = workloads[workload];
  if (itemBytes === 'random') return [];
  const series = row.peer ?? `IDC ${transport}`;
  if (row.metric === 'p50') {
    return [{ medium, series, metric: 'round-trip-us', bytes: itemBytes, value: row.value }];
  }
  if (row.metric !== 'rate') return [];
  const value = row.unit === 'GB/s' ? (row.value * 1e9) / itemBytes : row.value;
  return [{ medium, series, metric: 'messages-per-second', bytes: itemBytes, value }];
}
