/**
 * The cases of scale: 1 to 10,000 endpoints of one process to another one over TCP, and 1 to 1,000
 * over rings. How fast they connect, what each of them holds, what they cost while idle, and what a
 * message costs beside so many others.
 */
import { fork } from 'node:child_process';

import type { Case } from '../cases.js';
import type { Start } from '../contender.js';
import { startNearEndProcess } from '../near-end-process.js';
import { encodeScaleJob, type ScaleJob } from './scale-job.js';

const program = new URL('./near-end.js', import.meta.url);

/** A watchdog: 10,000 endpoints take their time to connect. */
const watchdogMs = 300_000;

/** Of an endpoint at its own end: a socket, and over a ring a memory. */
const descriptorsPerEndpoint: Readonly<Record<ScaleJob['transport'], number>> = {
  tcp: 1,
  'ring-process': 2,
};
/** Descriptors of a process beside its endpoints'. */
const descriptorsBeside = 100;

function makeCases(transport: ScaleJob['transport'], counts: readonly number[]): Case[] {
  return counts.flatMap((endpoints) =>
    (['adaptive', 'park'] as const).map((wait) => ({
      name: `scale/${transport}-${endpoints}:${wait}`,
      transport,
      workload: 'scale' as const,
      isBusy: false,
      start: () => start({ transport, endpoints, wait }),
    })),
  );
}

export const scaleCases: readonly Case[] = [
  ...makeCases('tcp', [1, 100, 10_000]),
  ...makeCases('ring-process', [1, 10, 100, 1000]),
];

async function start(job: ScaleJob): Promise<Start> {
  const needed = job.endpoints * descriptorsPerEndpoint[job.transport] + descriptorsBeside;
  const reason = lackOfDescriptors(needed);
  if (reason !== undefined) return { kind: 'failed', reason };
  return startNearEndProcess(fork(program, encodeScaleJob(job)), watchdogMs);
}

/** Says so in words if a process may not open as many files; children have the same limit. */
function lackOfDescriptors(needed: number): string | undefined {
  const limit = openFilesMax();
  if (limit >= needed) return undefined;
  return `a process may open ${limit} files, and ${needed} are needed: raise it by ulimit -n`;
}

function openFilesMax(): number {
  const report: object = process.report.getReport();
  const limits: unknown = Reflect.get(report, 'userLimits');
  const files: unknown =
    typeof limits === 'object' && limits ? Reflect.get(limits, 'open_files') : 0;
  const soft: unknown = typeof files === 'object' && files ? Reflect.get(files, 'soft') : 0;
  return typeof soft === 'number' ? soft : Infinity;
}
