/**
 * What one step of a workload leaves on this process's heap, in bytes, in steady state: the median
 * of nine rounds one after the other in which nothing was collected. A round with a collection in
 * it counts for nothing, and the next ones are half as long.
 *
 * On a busy machine the compiler, which has a thread of its own and makes objects on the heap, may
 * need longer than the warm-up. So there are more rounds than nine, and the calmest nine in a row
 * count; what each step allocates is in all of them.
 */
import { GCProfiler, getHeapStatistics } from 'node:v8';
import { between, createRandom } from '../compliance/random.js';

const medianOf = 9;
const roundCount = 36;
const roundsMax = 80;

/** Takes so many steps. */
export type Drive = (stepCount: number) => void | Promise<void>;

export interface Effort {
  readonly warmUpSteps: number;
  readonly stepsPerRound: number;
}

export async function bytesPerStep(drive: Drive, effort: Effort): Promise<number> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('the tests run with --expose-gc');
  await drive(effort.warmUpSteps);
  let steps = effort.stepsPerRound;
  const clean: number[] = [];
  for (let round = 0; round < roundsMax && clean.length < roundCount; round++) {
    gc();
    const profiler = new GCProfiler();
    profiler.start();
    const before = usedBytes();
    await drive(steps);
    const bytes = usedBytes() - before;
    if (profiler.stop().statistics.length === 0) clean.push(bytes / steps);
    else steps = Math.max(effort.stepsPerRound >> 3, steps >> 1, 1);
  }
  if (clean.length < medianOf) throw new Error('the heap is collected in every round');
  return calmest(clean);
}

/** The least median of so many values in a row. */
function calmest(values: readonly number[]): number {
  let least = Infinity;
  for (let start = 0; start + medianOf <= values.length; start++) {
    const window = values.slice(start, start + medianOf).sort((a, b) => a - b);
    least = Math.min(least, window[medianOf >> 1] ?? Infinity);
  }
  return least;
}

function usedBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

const payloadCount = 1024;
const payloadBytesMax = 512;

/** Payloads of random lengths from 1 to 512, made once, so that a test itself allocates nothing. */
export class Payloads {
  readonly #views: readonly Uint8Array[];
  #next = 0;

  constructor(seed: number) {
    const random = createRandom(seed);
    const bytes = new Uint8Array(payloadBytesMax);
    this.#views = Array.from({ length: payloadCount }, () =>
      bytes.subarray(0, between(random, 1, payloadBytesMax)),
    );
  }

  /** The one to submit next. */
  get current(): Uint8Array {
    // reason: the mask keeps the index inside the array that the constructor filled
    return this.#views[this.#next & (payloadCount - 1)]!;
  }

  advance(): void {
    this.#next++;
  }
}
