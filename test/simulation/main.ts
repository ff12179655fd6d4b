/**
 * `npm run simulate -- [--seeds N] [--seed S] [--minutes M] [--trace]` soaks and replays.
 *
 * Without `--seed` it starts at a random one and prints it. `--seed S` alone replays one run;
 * `--without`, `--domains` and `--chaos-ms` make it the variant that a failure printed. `--trace`
 * prints every line.
 */
import { parseArgs } from 'node:util';
import { faultKinds, type Variant } from './plan.js';
import { runSeed, type RunResult } from './run.js';
import { commandOf, shrink } from './shrink.js';
import type { Tally } from './ledger.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    without: { type: 'string', default: '' },
    domains: { type: 'string' },
    'chaos-ms': { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

const reportEveryMs = 10_000;

function readVariant(): Variant {
  const without = faultKinds.filter((kind) => values.without.split(',').includes(kind));
  const { domains, 'chaos-ms': chaosMs } = values;
  return {
    ...(without.length > 0 && { without }),
    ...(domains !== undefined && { domains: Number(domains) }),
    ...(chaosMs !== undefined && { chaosMs: Number(chaosMs) }),
  };
}

async function reportFailure(found: RunResult): Promise<void> {
  console.log(`\nseed ${found.seed} FAILED: ${found.failure ?? ''}`);
  console.log(`found with:  ${commandOf(found)}`);
  const shortest = await shrink(found);
  console.log(`replay with: ${commandOf(shortest)}`);
  console.log(`its faults: ${[...shortest.plan.faults].join(', ')}; the end of its trace:`);
  for (const line of shortest.trace) console.log(`  ${line}`);
  console.log(`  ${shortest.failure ?? ''}`);
}

function describe(tally: Tally): string {
  return Object.entries(tally)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

async function soak(): Promise<boolean> {
  const isReplay = values.seed !== undefined && values.seeds === undefined;
  const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const minutes = Number(values.minutes ?? Infinity);
  const countDefault = isReplay || minutes === Infinity ? (isReplay ? 1 : 100) : Infinity;
  const count = Number(values.seeds ?? countDefault);
  const startMs = performance.now();
  const variant = readVariant();
  let stepCount = 0;
  let runCount = 0;
  let reportMs = startMs;
  const total: Tally = { connects: 0, submitted: 0, handled: 0, never: 0, maybe: 0, done: 0 };
  const report = (): void => {
    const tookMs = performance.now() - startMs;
    const perMinute = Math.round((stepCount / tookMs) * 60_000);
    console.log(`${runCount} seeds from ${first}, ${stepCount} steps, ${perMinute} per minute`);
  };
  for (let seed = first; seed < first + count; seed++) {
    const nowMs = performance.now();
    if (nowMs - startMs > minutes * 60_000) break;
    const result = await runSeed(seed, variant, values.trace ? Infinity : 40);
    runCount += 1;
    stepCount += result.stepCount;
    for (const [name, value] of Object.entries(result.tally)) {
      // reason: a tally has the same names as the sum of tallies
      total[name as keyof Tally] += value as number;
    }
    if (values.trace) for (const line of result.trace) console.log(line);
    if (isReplay) console.log(`trace ${result.traceDigest}`);
    if (result.failure !== undefined) {
      await reportFailure(result);
      return false;
    }
    if (nowMs - reportMs > reportEveryMs) {
      reportMs = nowMs;
      report();
    }
  }
  report();
  console.log(`all clean: ${describe(total)}`);
  return true;
}

process.exitCode = (await soak()) ? 0 : 1;
