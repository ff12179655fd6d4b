/**
 * Peer: a system that IDC is compared with. The bench knows no more of one than this, so that a
 * peer that is a program of its own (such as `ucx_perftest`) fits as well as one that runs in Node.
 */
import type { Start } from '../contender.js';
import type { SubjectName } from '../job.js';
import { startNearEnd } from '../near-end-process.js';
import type { Workload, WorkloadName } from '../workload.js';

/**
 * Our transports, as the first half of a case's name. Rings are in mapped memory between two
 * processes or threads, or shared: between two threads in SharedArrayBuffers.
 */
export type TransportName = 'memory' | 'tcp' | 'ring-process' | 'ring-thread' | 'ring-shared';

/** `tcp`: over a TCP connection on loopback. `local`: over anything else within one machine. */
export type Medium = 'tcp' | 'local';

export interface Peer {
  /** As it stands in the rows. */
  readonly name: string;
  readonly medium: Medium;
  /** The transports beside which it stands. */
  readonly besides: readonly TransportName[];
  measures(workload: Workload): boolean;
  /** Opens and warms it up for a workload that it measures. Never rejects. */
  start(workload: WorkloadName): Promise<Start>;
}

/** Another system that is a subject of this bench. */
export function subjectPeer(
  name: SubjectName,
  medium: Medium,
  ...besides: readonly TransportName[]
): Peer {
  return {
    name,
    medium,
    besides,
    measures: ({ beside }) => beside === 'systems',
    start: (workload) => startNearEnd({ subject: name, workload, variant: 'plain' }),
  };
}

/** Another system that takes records of one length and gives no answers. */
export function oneWayPeer(
  name: SubjectName,
  medium: Medium,
  ...besides: readonly TransportName[]
): Peer {
  return {
    ...subjectPeer(name, medium, ...besides),
    measures: ({ beside, shape, itemBytes }) =>
      beside === 'systems' && shape === 'flood' && itemBytes !== 'random',
  };
}

/** Longer records are better copied otherwise than word by word. */
const floorBytesMax = 64;

/** What this machine gives at best. */
export function floorPeer(
  name: SubjectName,
  medium: Medium,
  ...besides: readonly TransportName[]
): Peer {
  return {
    ...subjectPeer(name, medium, ...besides),
    measures: ({ beside, itemBytes }) =>
      beside === 'systems' && itemBytes !== 'random' && itemBytes <= floorBytesMax,
  };
}

/** Our own loop over the bare transport. */
export function strippedPeer(transport: 'memory' | 'tcp'): Peer {
  return {
    name: 'stripped',
    medium: transport === 'tcp' ? 'tcp' : 'local',
    besides: [transport],
    measures: ({ beside }) => beside === 'stripped',
    start: (workload) =>
      startNearEnd({ subject: `stripped-${transport}`, workload, variant: 'plain' }),
  };
}

/** Another system that is measured for one purpose alone. */
function specialPeer(beside: Workload['beside']): typeof subjectPeer {
  return (...place) => ({ ...subjectPeer(...place), measures: (work) => work.beside === beside });
}

/** Another system that moves one array after the other, one way, and nothing else beside us. */
export const bulkPeer: typeof subjectPeer = specialPeer('bulk');

/** Another system that moves bytes and makes round trips beside them. */
export const besidePeer: typeof subjectPeer = specialPeer('unloaded');

/** Our own transactions, with nothing else on the machine's loopback. */
export const unloadedPeer: Peer = {
  name: 'unloaded',
  medium: 'tcp',
  besides: ['tcp'],
  measures: ({ beside }) => beside === 'unloaded',
  start: () =>
    startNearEnd({ subject: 'idc-tcp', workload: 'transaction-64', variant: 'adaptive' }),
};

/** Our own transaction of the same size, without the driver kit. */
export const rawPeer: Peer = {
  name: 'raw',
  medium: 'local',
  besides: ['ring-process'],
  measures: ({ beside }) => beside === 'raw',
  start: () => {
    const workload = 'transaction-64';
    return startNearEnd({ subject: 'idc-ring-process', workload, variant: 'promise' });
  },
};
