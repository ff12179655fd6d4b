/**
 * `npm run exhaustive -- --depth N [--faults F] [--start NAME] [--work] [--proven | --token]`
 * explores deeper than the tests do; `--replay WORDS` runs the one sequence that a failure printed.
 */
import { parseArgs } from 'node:util';
import { Explorer, type Setting } from './explorer.js';
import { describeFailure, describeResult, replay, shorten } from './report.js';
import { anyFaults, deepReaches, makeSettings } from './settings.js';

const { values } = parseArgs({
  options: {
    depth: { type: 'string', default: '6' },
    faults: { type: 'string' },
    start: { type: 'string' },
    work: { type: 'boolean', default: false },
    proven: { type: 'boolean', default: false },
    token: { type: 'boolean', default: false },
    replay: { type: 'string' },
  },
});

function chooseSettings(): Setting[] {
  const { depth, faults, start, work, proven, token } = values;
  const faultsMax = faults === undefined ? anyFaults : Number(faults);
  const reaches = deepReaches(Number(depth), faultsMax, work);
  const chosen = reaches.filter((reach) => start === undefined || reach.start === start);
  if (chosen.length === 0) throw new Error(`no start ${start ?? ''}`);
  const isBoth = proven === token;
  return makeSettings(chosen).filter(({ provesIdentity }) => isBoth || provesIdentity === proven);
}

async function explore(settings: readonly Setting[]): Promise<boolean> {
  for (const setting of settings) {
    const result = await new Explorer(setting).explore();
    console.log(describeResult(result));
    const counts = Object.entries(result.coverage).map(([name, count]) => `${name} ${count}`);
    console.log(`  ${counts.join(', ')}`);
    if (result.failure === undefined) continue;
    console.log(`FAILED: ${describeFailure(result.failure)}`);
    console.log(`the shortest: ${describeFailure(await shorten(result.failure))}`);
    return false;
  }
  console.log('all clean');
  return true;
}

async function replayOne(words: string): Promise<boolean> {
  const options = { provesIdentity: values.proven, hasWork: values.work };
  const breach = await replay(words, options, (line) => {
    console.log(line);
  });
  console.log(breach === undefined ? 'clean' : `FAILED: ${breach}`);
  return breach === undefined;
}

const isClean =
  values.replay === undefined ? await explore(chooseSettings()) : await replayOne(values.replay);
process.exitCode = isClean ? 0 : 1;
