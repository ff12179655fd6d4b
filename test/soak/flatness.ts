/**
 * Flatness: the rule by which a soak passes or fails.
 *
 * Samples of the warm-up, the first quarter, are left out. What is counted is exactly equal in all
 * others. What is measured in bytes has noise, of the collector, of the allocator's free lists and
 * of code that is compiled late: its median over the last third is at most its median over the
 * first third and an allowance. The allowance is for the whole run, however long: a longer soak
 * finds a smaller leak.
 */
import type { Sample } from './sample.js';

const counted = ['descriptors', 'timersArmed', 'endpoints', 'handles'] as const;

const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * Bytes by which a median may grow. Of the heap: what the engine keeps of code that is compiled
 * late takes up to 0.55 MiB in the first 100,000 strangers, and half of it in the next 100,000.
 */
const allowances = { heapBytes: 768 * KiB, externalBytes: 512 * KiB, rssBytes: 24 * MiB };

const measured = ['heapBytes', 'externalBytes', 'rssBytes'] as const;

/** With fewer samples after the warm-up a median says nothing. */
const samplesMin = 6;

/** What has grown or differs, each in one line that names `who`; empty if all is flat. */
export function judge(who: string, samples: readonly Sample[]): string[] {
  const warm = samples.slice(Math.ceil(samples.length / 4));
  if (warm.length < samplesMin) return [`${who}: ${warm.length} samples, at least ${samplesMin}`];
  const problems: string[] = [];
  for (const name of counted) {
    const values = new Set(warm.map((sample) => sample[name]));
    if (values.size > 1) problems.push(`${who}: ${name} differ: ${[...values].join(', ')}`);
  }
  const third = Math.floor(warm.length / 3);
  for (const name of measured) {
    const first = median(warm.slice(0, third).map((sample) => sample[name]));
    const last = median(warm.slice(-third).map((sample) => sample[name]));
    const grown = last - first;
    if (grown <= allowances[name]) continue;
    const text = `from ${inKiB(first)} to ${inKiB(last)} KiB, allowed ${inKiB(allowances[name])}`;
    problems.push(`${who}: ${name} grew by ${inKiB(grown)} KiB, ${text}`);
  }
  return problems;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

function inKiB(byteLength: number): number {
  return Math.round(byteLength / KiB);
}
