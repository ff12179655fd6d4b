/** Sample: what a process holds at a checkpoint, when nothing is under way and garbage is gone. */
import { readdirSync } from 'node:fs';

import type { Domain } from 'idc';

/** How work ended, since the start of the process. */
export interface Tally {
  messages: number;
  transactions: number;
  done: number;
  never: number;
  maybe: number;
  /** Epochs that were connected, endpoints that were destroyed, and diallers with fresh ids. */
  epochs: number;
  destroyed: number;
  diallers: number;
}

export interface Sample {
  readonly atMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Memory outside of the heap that belongs to objects in it. */
  readonly externalBytes: number;
  readonly descriptors: number;
  readonly timersArmed: number;
  readonly endpoints: number;
  /** Sockets, pipes and the like that libuv knows. */
  readonly handles: number;
  readonly tally: Tally;
}

/** Whatever has endpoints: a domain those that it dialled, a listener those that it accepted. */
export interface Holder {
  readonly domain: Domain;
  readonly acceptedCount: number;
}

/** How long the last sockets and timers may take to go away by themselves. */
const settleMsMax = 5_000;
const lookMs = 10;

export function noTally(): Tally {
  const work = { messages: 0, transactions: 0, done: 0, never: 0, maybe: 0 };
  return { ...work, epochs: 0, destroyed: 0, diallers: 0 };
}

export function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

export function countTimers(holders: readonly Holder[]): number {
  return holders.reduce((sum, { domain }) => sum + domain.statistics().timersArmed, 0);
}

export function countEndpoints(holders: readonly Holder[]): number {
  return holders.reduce((sum, { domain, acceptedCount }) => {
    return sum + domain.statistics().endpoints + acceptedCount;
  }, 0);
}

/** Waits until `holds`, and not for ever: whoever samples then shows what is left over. */
export async function untilSettled(holds: () => boolean): Promise<void> {
  const untilMs = performance.now() + settleMsMax;
  while (!holds() && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** Collects garbage first; the process has to be started with `--expose-gc`. */
export async function takeSample(holders: readonly Holder[], tally: Tally): Promise<Sample> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('start it with --expose-gc');
  for (let count = 0; count < 2; count++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    atMs: performance.now(),
    rssBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
    descriptors: countDescriptors(),
    timersArmed: countTimers(holders),
    endpoints: countEndpoints(holders),
    handles: process.getActiveResourcesInfo().filter((name) => name.endsWith('Wrap')).length,
    tally: { ...tally },
  };
}
