/**
 * simulateSeeds: one simulation with many seeds. What fails is tried again with fewer and shorter
 * faults, and told are the seed and the faults that replay the shortest run that failed.
 */
import {
  simulate,
  SimulationError,
  type Simulation,
  type SimulationFaults,
  type SimulationResult,
} from './simulate.js';

export interface SeedRange {
  /** Default 1. */
  readonly first?: number;
  /** Default 100. */
  readonly count?: number;
}

/** Runs that may be spent on making a failure smaller. */
const attemptsMax = 40;
const forMsDefault = 10_000;

/**
 * `make` is called anew for each run, so that nothing is left of the one before. Rejects with the
 * first failure; the result is the sum of all runs, with the last one's digest.
 */
export async function simulateSeeds(
  make: (seed: number) => Simulation,
  range: SeedRange = {},
): Promise<SimulationResult> {
  const { first = 1, count = 100 } = range;
  let total: SimulationResult = { stepCount: 0, virtualMs: 0, traceDigest: '' };
  for (let seed = first; seed < first + count; seed++) {
    try {
      const { stepCount, virtualMs, traceDigest } = await simulate(make(seed));
      total = {
        stepCount: total.stepCount + stepCount,
        virtualMs: total.virtualMs + virtualMs,
        traceDigest,
      };
    } catch (error) {
      if (!(error instanceof SimulationError)) throw error;
      throw await explainFailure(make, seed, error);
    }
  }
  return total;
}

async function explainFailure(
  make: (seed: number) => Simulation,
  seed: number,
  found: SimulationError,
): Promise<Error> {
  const shortest = await shrinkFaults(make, seed, found);
  const faults = JSON.stringify(shortest.faults);
  const lines = shortest.error.trace.map((line) => `  ${line}`).join('\n');
  return new Error(
    `seed ${seed}: ${found.reason}\nreplay it with simulate({ ...make(${seed}) })\n` +
      `the shortest run that fails: simulate({ ...make(${seed}), faults: ${faults} })\n` +
      `${lines}\n  ${shortest.error.reason}`,
    { cause: found },
  );
}

interface Failure {
  readonly faults: SimulationFaults;
  readonly error: SimulationError;
}

async function shrinkFaults(
  make: (seed: number) => Simulation,
  seed: number,
  error: SimulationError,
): Promise<Failure> {
  let best: Failure = { faults: make(seed).faults ?? {}, error };
  let attempts = 0;
  for (let isBetter = true; isBetter && attempts < attemptsMax;) {
    isBetter = false;
    for (const faults of listSmaller(best.faults)) {
      attempts += 1;
      const failure = await failureOf({ ...make(seed), faults });
      if (failure === undefined || failure.traceLineCount > best.error.traceLineCount) continue;
      best = { faults, error: failure };
      isBetter = true;
      break;
    }
  }
  return best;
}

async function failureOf(simulation: Simulation): Promise<SimulationError | undefined> {
  try {
    await simulate(simulation);
    return undefined;
  } catch (error) {
    if (error instanceof SimulationError) return error;
    throw error;
  }
}

/** The same with one thing less. */
function listSmaller(faults: SimulationFaults): SimulationFaults[] {
  const { crashes = [], stops = [], severs, clogs, weather, forMs = forMsDefault } = faults;
  const smaller: SimulationFaults[] = [];
  for (const name of crashes) {
    smaller.push({ ...faults, crashes: crashes.filter((other) => other !== name) });
  }
  for (const name of stops) {
    smaller.push({ ...faults, stops: stops.filter((other) => other !== name) });
  }
  if (severs === true) smaller.push({ ...faults, severs: false });
  if (clogs === true) smaller.push({ ...faults, clogs: false });
  for (const name of Object.keys(weather ?? {})) {
    const left = Object.entries(weather ?? {}).filter(([other]) => other !== name);
    smaller.push({ ...faults, weather: Object.fromEntries(left) });
  }
  if (forMs > 1) smaller.push({ ...faults, forMs: Math.floor(forMs / 2) });
  return smaller;
}
