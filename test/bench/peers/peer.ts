/**
 * Peer: a system that IDC is compared with. The bench knows no more of one than this, so that a
 * peer that is a program of its own (such as `ucx_perftest`) fits as well as one that runs in Node.
 */
import type { Start } from '../contender.js';
import type { SubjectName } from '../job.js';
import { startNearEnd } from '../near-end-process.js';
import type { WorkloadName } from '../workload.js';

/** Our transports, as the first half of a case's name. */
export type TransportName = 'memory' | 'tcp';

export interface Peer {
  /** As it stands in the rows. */
  readonly name: string;
  /** The transports beside which it stands. */
  readonly besides: readonly TransportName[];
  /** Opens and warms it up for a workload. Never rejects. */
  start(workload: WorkloadName): Promise<Start>;
}

/** A peer that is a subject of this bench. */
export function subjectPeer(name: SubjectName, ...besides: readonly TransportName[]): Peer {
  return {
    name,
    besides,
    start: (workload) => startNearEnd({ subject: name, workload, variant: 'plain' }),
  };
}
