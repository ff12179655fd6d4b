/** The table of a soak: one line for each process at each checkpoint. */
import type { Sample } from './sample.js';
import type { Worker } from './worker.js';

const MiB = 1024 * 1024;

const columns = [
  ['process', 8],
  ['time s', 7],
  ['work/s', 8],
  ['RSS MiB', 8],
  ['heap', 7],
  ['external', 9],
  ['descr.', 7],
  ['timers', 7],
  ['handles', 8],
  ['endp.', 6],
  ['epochs', 7],
  ['strangers', 10],
  ['never %', 8],
  ['maybe %', 8],
  ['done %', 7],
] as const;

export function headLine(): string {
  return columns.map(([title, width]) => title.padStart(width)).join('');
}

/** The last sample of `worker`, with the rate since the one before. */
export function sampleLine(worker: Worker, startMs: number): string {
  const { name, samples } = worker;
  const sample = samples.at(-1);
  if (sample === undefined) return '';
  const { tally } = sample;
  const share = (count: number): string =>
    ((100 * count) / Math.max(1, tally.transactions)).toFixed(2);
  const cells = [
    name,
    ((performance.now() - startMs) / 1000).toFixed(1),
    String(Math.round(rateOf(sample, samples.at(-2)))),
    (sample.rssBytes / MiB).toFixed(1),
    (sample.heapBytes / MiB).toFixed(2),
    (sample.externalBytes / MiB).toFixed(2),
    String(sample.descriptors),
    String(sample.timersArmed),
    String(sample.handles),
    String(sample.endpoints),
    String(tally.epochs),
    String(tally.diallers),
    share(tally.never),
    share(tally.maybe),
    share(tally.done),
  ];
  return columns.map(([, width], index) => (cells[index] ?? '').padStart(width)).join('');
}

/** Messages and transactions per second. */
function rateOf(sample: Sample, before: Sample | undefined): number {
  const earlier = before ?? { atMs: 0, tally: { messages: 0, transactions: 0 } };
  const { messages, transactions } = sample.tally;
  const count = messages + transactions - earlier.tally.messages - earlier.tally.transactions;
  return (1000 * count) / (sample.atMs - earlier.atMs);
}
