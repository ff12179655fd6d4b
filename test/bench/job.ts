/** Job: what one process is to measure, and how that is told to it on its command line. */
import { isOneOf } from './narrow.js';
import { isWorkloadName, type WorkloadName } from './workload.js';

export const subjectNames = [
  'idc-memory',
  'idc-tcp',
  'idc-ring-process',
  'idc-ring-thread',
  'idc-ring-shared',
  'idc-kit',
  'idc-transfer-ring-process',
  'idc-transfer-tcp',
  'idc-transfer-memory',
  'stripped-memory',
  'stripped-tcp',
  'memmove',
  'bare-ring',
  'messageport',
  'ringbuf',
  'fork',
  'net',
  'net-beside',
  'net-unix',
  'ws',
  'zeromq-tcp',
  'zeromq-ipc',
  'grpc-tcp',
  'grpc-unix',
] as const;
export type SubjectName = (typeof subjectNames)[number];

/**
 * How IDC is used: a wait strategy, `poll` (`domain.poll()` in a plain loop), the form of its
 * transactions, or the mode of its remote buffers. `plain` is what a transport's file says it is,
 * and a peer's only one.
 */
export const variants = [
  'plain',
  'park',
  'adaptive',
  'spin',
  'poll',
  'callback',
  'promise',
  'copy',
  'map',
] as const;
export type Variant = (typeof variants)[number];

export interface Job {
  readonly subject: SubjectName;
  readonly workload: WorkloadName;
  readonly variant: Variant;
}

export function encodeJob(job: Job): string[] {
  return [job.subject, job.workload, job.variant];
}

export function decodeJob(words: readonly string[]): Job {
  const [subject, workload = '', variant] = words;
  if (!isOneOf(subjectNames, subject)) throw new Error(`unknown subject ${String(subject)}`);
  if (!isWorkloadName(workload)) throw new Error(`unknown workload ${workload}`);
  if (!isOneOf(variants, variant)) throw new Error(`unknown variant ${String(variant)}`);
  return { subject, workload, variant };
}
