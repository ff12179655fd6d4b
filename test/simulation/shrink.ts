/**
 * Shrink: looks for a smaller run that fails, too: fewer kinds of faults, fewer domains, an earlier
 * end of the faults. What is kept is the variant with the shortest trace.
 */
import { runSeed, type RunResult } from './run.js';
import type { Variant } from './plan.js';
import type { World } from './world.js';

/** Runs that may be spent on it. */
const attemptsMax = 60;
const keptLines = 40;

export async function shrink(
  found: RunResult,
  prepare: (world: World) => void = () => undefined,
): Promise<RunResult> {
  let best = found;
  let attempts = 0;
  const isBetter = async (variant: Variant): Promise<boolean> => {
    if (attempts === attemptsMax) return false;
    attempts += 1;
    const result = await runSeed(found.seed, variant, keptLines, prepare);
    if (result.failure === undefined || lengthOf(result) > lengthOf(best)) return false;
    best = result;
    return true;
  };
  for (let domains = found.plan.domainCount - 1; domains >= 2; domains--) {
    if (!(await isBetter({ ...best.variant, domains }))) break;
  }
  for (const kind of found.plan.faults) {
    await isBetter({ ...best.variant, without: [...(best.variant.without ?? []), kind] });
  }
  for (let chaosMs = best.plan.chaosMs / 2; chaosMs >= 1; chaosMs = Math.floor(chaosMs / 2)) {
    if (!(await isBetter({ ...best.variant, chaosMs }))) break;
  }
  return best;
}

/** The one command that runs it again. */
export function commandOf({ seed, variant }: RunResult): string {
  const { without = [], domains, chaosMs } = variant;
  const words = [`npm run simulate -- --seed ${seed}`];
  if (without.length > 0) words.push(`--without ${without.join(',')}`);
  if (domains !== undefined) words.push(`--domains ${domains}`);
  if (chaosMs !== undefined) words.push(`--chaos-ms ${chaosMs}`);
  return words.join(' ');
}

/** How long it is until the failure; the number of lines is the first part of the digest. */
function lengthOf(result: RunResult): number {
  return Number.parseInt(result.traceDigest, 10);
}
