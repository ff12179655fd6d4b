/**
 * `npm run rounds -- [--rounds N] [--seed S] [--replay KIND:SEED] [--lanes L]` plays rounds of
 * killed, stopped and cut-off processes. Ends at the first that is not clean, with its replay.
 */
import { parseArgs } from 'node:util';

import { seedOfThisRun } from '../compliance/random.js';
import { planReplay, planRounds, playLane } from './play-rounds.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seed: { type: 'string' },
    replay: { type: 'string' },
    /** So many lanes at a time. */
    lanes: { type: 'string', default: '2' },
  },
});

const roundsDefault = 300;
const tellEvery = 25;

async function main(): Promise<void> {
  const { rounds, replay } = values;
  const seed = values.seed === undefined ? seedOfThisRun() : Number(values.seed) >>> 0;
  const isReplay = replay !== undefined;
  const count = Number(rounds ?? (isReplay ? 1 : roundsDefault));
  const waiting = isReplay ? planReplay(replay, count) : planRounds(count, seed);
  const startMs = performance.now();
  let playedCount = 0;
  console.log(isReplay ? `replay of ${replay}` : `${count} rounds, seed ${seed}`);
  const told = {
    played: (): void => {
      if (++playedCount % tellEvery === 0) console.log(`${playedCount} rounds clean`);
    },
    line: (text: string): void => {
      console.log(`  ${text}`);
    },
  };
  const worker = async (): Promise<void> => {
    for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
      if (plan.rounds.length > 0) await playLane(plan, told);
    }
  };
  try {
    await Promise.all(Array.from({ length: Number(values.lanes) }, worker));
  } finally {
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    console.log(`${playedCount} of ${count} rounds clean, seed ${seed}, ${seconds} s`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
