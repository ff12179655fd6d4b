/** The part of the soak in one process over the memory transport, as its parent sees it. */
import { judge } from './flatness.js';
import type { PartResult } from './tcp-part.js';
import { Worker } from './worker.js';

/** What the guarantee names; more if there is time. */
const strangersMin = 100_000;
const turnsMin = 20;
const strangersPerTurn = strangersMin / turnsMin;

export async function soakMemory(
  untilMs: number,
  seed: number,
  told: (workers: readonly Worker[]) => void,
): Promise<PartResult> {
  const words = [String(seed), String(strangersPerTurn)];
  const worker = new Worker('memory', 'memory-process.js', words);
  try {
    await worker.listening();
    let turns = 0;
    for (; turns < turnsMin || performance.now() < untilMs; turns++) {
      await worker.ask('begin');
      await worker.ask('rest');
      told([worker]);
    }
    await worker.ask('close');
    await worker.ended();
    const problems = judge(worker.name, worker.samples);
    return { workers: [worker], strangerCount: turns * strangersPerTurn, problems };
  } finally {
    await worker.kill();
  }
}
