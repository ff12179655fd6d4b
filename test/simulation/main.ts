/**
 * `npm run simulate -- [OPTION...]` soaks and replays; `--help` says how. Without `--seed` it
 * starts at a random one and prints it.
 */
import type { Tally } from './ledger.js';
import { OptionError, parseOptions, usage, type SimulateOptions } from './options.js';
import { runSeed, type RunResult } from './run.js';
import { makeTransferTally } from './transfer-ledger.js';
import { commandOf, shrink } from './shrink.js';

const reportEveryMs = 10_000;
const keptLines = 40;

async function reportFailure(found: RunResult): Promise<void> {
  console.log(`\nseed ${found.seed} FAILED: ${found.failure ?? ''}`);
  console.log(`found with:  ${commandOf(found)}`);
  const shortest = await shrink(found);
  console.log(`replay with: ${commandOf(shortest)}`);
  console.log(`its faults: ${[...shortest.plan.faults].join(', ')}; the end of its trace:`);
  for (const line of shortest.trace) console.log(`  ${line}`);
  console.log(`  ${shortest.failure ?? ''}`);
}

/** How far a soak has got. */
class Progress {
  readonly #first: number;
  readonly #startMs = performance.now();
  readonly #total: Tally = { connects: 0, submitted: 0, handled: 0, never: 0, maybe: 0, done: 0 };
  readonly #transfers = makeTransferTally();
  #reportMs = this.#startMs;
  #stepCount = 0;
  #runCount = 0;

  constructor(first: number) {
    this.#first = first;
  }

  get tookMs(): number {
    return performance.now() - this.#startMs;
  }

  add({ stepCount, tally, transferTally }: RunResult): void {
    this.#runCount += 1;
    this.#stepCount += stepCount;
    addTo(this.#total, tally);
    addTo(this.#transfers, transferTally);
    const nowMs = performance.now();
    if (nowMs - this.#reportMs < reportEveryMs) return;
    this.#reportMs = nowMs;
    this.report();
  }

  report(): void {
    const perMinute = Math.round((this.#stepCount / this.tookMs) * 60_000);
    const seeds = `${this.#runCount} seeds from ${this.#first}`;
    console.log(`${seeds}, ${this.#stepCount} steps, ${perMinute} per minute`);
  }

  reportEnd(): void {
    this.report();
    const { never, maybe, done, ...counts } = this.#total;
    const transactions = outcomesOf({ never, maybe, done });
    console.log(`all clean: ${listCounts(counts)}; transactions: ${transactions}`);
    const { buffers, bytesLanded, ...outcomes } = this.#transfers;
    if (buffers === 0) return;
    const landed = listCounts({ buffers, bytesLanded });
    console.log(`remote buffers: ${landed}; transfers: ${outcomesOf(outcomes)}`);
  }
}

type Counts<Name extends string> = Record<Name, number>;

function addTo<Name extends string>(total: Counts<Name>, counts: Counts<Name>): void {
  // reason: an object of this type has just these names
  for (const name of Object.keys(counts) as Name[]) total[name] += counts[name];
}

function listCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

/** With the share of each. */
function outcomesOf(outcomes: Counts<'never' | 'maybe' | 'done'>): string {
  const settled = Math.max(1, outcomes.never + outcomes.maybe + outcomes.done);
  return Object.entries(outcomes)
    .map(([name, count]) => `${name} ${count} (${((100 * count) / settled).toFixed(2)} %)`)
    .join(', ');
}

async function soak(options: SimulateOptions): Promise<boolean> {
  const { firstSeed, seedCount, minutesMax, isReplay, variant, printsTrace } = options;
  const progress = new Progress(firstSeed);
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
    if (progress.tookMs > minutesMax * 60_000) break;
    const result = await runSeed(seed, variant, printsTrace ? Infinity : keptLines);
    progress.add(result);
    if (printsTrace) for (const line of result.trace) console.log(line);
    if (isReplay) console.log(`trace ${result.traceDigest}`);
    if (result.failure !== undefined) {
      await reportFailure(result);
      return false;
    }
  }
  progress.reportEnd();
  return true;
}

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2), () => Math.floor(Math.random() * 2 ** 31));
    if (options !== undefined) return (await soak(options)) ? 0 : 1;
    console.log(usage);
    return 0;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    console.error(`simulate: ${error.message}`);
    return 2;
  }
}

process.exitCode = await main();
