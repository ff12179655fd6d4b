/**
 * `npm run soak -- [--minutes M] [--seed S] [--only tcp|memory]` keeps everything going, and fails
 * with what has grown; `flatness.ts` states the rule.
 */
import { parseArgs } from 'node:util';

import { seedOfThisRun } from '../compliance/random.js';
import { soakMemory } from './memory-part.js';
import { headLine, sampleLine } from './table.js';
import { soakTcp } from './tcp-part.js';
import type { Worker } from './worker.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
});

/** The memory part has less to wait for. */
const tcpShare = 0.75;

async function main(): Promise<boolean> {
  const seed = values.seed === undefined ? seedOfThisRun() : Number(values.seed) >>> 0;
  const durationMs = Number(values.minutes) * 60_000;
  const { only } = values;
  const startMs = performance.now();
  const problems: string[] = [];
  const told = (workers: readonly Worker[]): void => {
    for (const worker of workers) console.log(sampleLine(worker, startMs));
  };
  console.log(`${values.minutes} minutes, seed ${seed}\n${headLine()}`);
  for (const part of ['tcp', 'memory'] as const) {
    if (only !== undefined && only !== part) continue;
    const isTcp = part === 'tcp';
    const untilMs = startMs + durationMs * (isTcp && only === undefined ? tcpShare : 1);
    const result = await (isTcp ? soakTcp : soakMemory)(untilMs, seed, told);
    console.log(`${part}: ${result.strangerCount} strangers came and vanished`);
    problems.push(...result.problems);
  }
  for (const problem of problems) console.log(`FAILED ${problem}`);
  if (problems.length === 0) console.log('all flat');
  return problems.length === 0;
}

process.exitCode = (await main()) ? 0 : 1;
