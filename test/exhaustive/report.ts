/** What an exploration says of itself: its size, its coverage, and how to see a failure again. */
import { parseChoices, pathWords } from './choice.js';
import { noCoverage } from './coverage.js';
import { Explorer, type Failure, type Result, type Setting } from './explorer.js';
import { endFairly } from './fair-ending.js';
import { FrameRoom } from './step-link.js';
import { World } from './world.js';

/** One line. */
export function describeResult(result: Result): string {
  const { setting, runCount, stateCount, stepCount, endingCount, tookMs } = result;
  const faults = setting.faultsMax < setting.depth ? `, ${setting.faultsMax} faults` : '';
  const seconds = (tookMs / 1000).toFixed(1);
  const rate = Math.round((stepCount / tookMs) * 1000);
  return (
    `${setting.name}: depth ${setting.depth}${faults}: ${runCount} runs, ${stateCount} states, ` +
    `${endingCount} fair endings, ${stepCount} steps in ${seconds} s, ${rate} steps/s`
  );
}

/** The fewest choices that lead to a failure; the one given, if a shorter search finds none. */
export async function shorten(failure: Failure): Promise<Failure> {
  for (let depth = 1; depth < failure.path.length; depth++) {
    const setting: Setting = { ...failure.setting, depth };
    const { failure: shorter } = await new Explorer(setting).explore();
    if (shorter !== undefined) return { ...shorter, setting: failure.setting };
  }
  return failure;
}

/** The failure in words, and the command that replays exactly it. */
export function describeFailure(failure: Failure): string {
  const { setting, path, breach } = failure;
  return [breach, `${setting.name}, after ${path.length} choices:`, commandOf(failure)].join('\n');
}

function commandOf({ setting, path }: Failure): string {
  const words = [setting.start, pathWords(path)].filter((part) => part !== '').join(', ');
  const options = [setting.provesIdentity ? '--proven' : '', setting.hasWork ? '--work' : ''];
  const flags = options.filter((option) => option !== '').join(' ');
  return `npm run exhaustive -- ${flags} --replay '${words}'`;
}

/** Runs one sequence, says everything that happens in it, and answers what is wrong with it. */
export async function replay(
  words: string,
  options: Pick<Setting, 'provesIdentity' | 'hasWork'>,
  log: (line: string) => void,
): Promise<string | undefined> {
  const world = new World({ ...options, room: new FrameRoom(), coverage: noCoverage(), log });
  for (const code of parseChoices(words)) {
    if (!world.choices().some((choice) => choice.code === code)) {
      return `${pathWords([code])} cannot happen here`;
    }
    world.perform(code);
    if (world.judge.breach !== undefined) return world.judge.breach;
  }
  log('faults stop');
  await endFairly(world);
  return world.judge.breach;
}
