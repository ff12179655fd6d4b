/**
 * `npm run planted -- [options]`, as `--help` lists them, plants each fault into a private copy of
 * the built project and sees whether the tests notice.
 *
 * First the sound tree has to pass everything that is to catch something, or a broken environment
 * would pass for a good net. Then each fault is tried with its own catchers in their order, and
 * with every general net if those miss it. What nothing catches is UNCAUGHT and fails the run.
 * `--by` asks instead what one catcher alone would find, and fails for nothing.
 */
import { jobsOf, testFiles, widerJobs, type Job } from './catcher.js';
import { plantedFaults } from './faults.js';
import { OptionError, parseOptions, usage, type PlantedOptions } from './options.js';
import type { PlantedFault } from './planted-fault.js';
import { PrivateTree } from './private-tree.js';
import { JobRunner } from './run-job.js';

const processesMax = 2;
/** A job may take so much longer with a fault than without, before it counts as hung. */
const patienceFactor = 4;
const patienceMs = 6_000;
/** For jobs that were not timed without a fault. */
const widerLimitMs = 120_000;

const trees: PrivateTree[] = [];
const runner = new JobRunner();
const files = testFiles();
const limitMsByTitle = new Map<string, number>();

function chooseFaults({ only }: PlantedOptions): readonly PlantedFault[] {
  if (only.length === 0) return plantedFaults;
  for (const prefix of only) {
    const isKnown = plantedFaults.some(({ name }) => name.startsWith(prefix));
    if (!isKnown) throw new OptionError(`no fault's name begins with ${prefix}`);
  }
  return plantedFaults.filter(({ name }) => only.some((prefix) => name.startsWith(prefix)));
}

function jobsFor(fault: PlantedFault, { by }: PlantedOptions): Job[] {
  const catchers = by === undefined ? fault.caughtBy : [by];
  return catchers.flatMap((catcher) => jobsOf(catcher, files));
}

/** Gives each task to whichever tree is free. */
async function spread<T>(
  tasks: readonly T[],
  run: (task: T, tree: PrivateTree) => Promise<void>,
): Promise<void> {
  const waiting = [...tasks];
  const work = async (tree: PrivateTree): Promise<void> => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      await run(task, tree);
    }
  };
  await Promise.all(trees.map(work));
}

/** True if the sound tree passes every job; notes how long each one took. */
async function checkSound(jobs: ReadonlyMap<string, Job>): Promise<boolean> {
  let isSound = true;
  await spread([...jobs.values()], async (job, tree) => {
    const result = await runner.run(job, tree.root, widerLimitMs);
    limitMsByTitle.set(job.title, result.seconds * 1000 * patienceFactor + patienceMs);
    if (result.outcome === 'passed') return;
    isSound = false;
    console.log(`NOT SOUND without any fault: ${job.title}: ${result.what}`);
  });
  return isSound;
}

/** The line that tells which job caught the fault; undefined if this one did not. */
async function tryJob(
  fault: PlantedFault,
  job: Job,
  tree: PrivateTree,
): Promise<string | undefined> {
  const limitMs = limitMsByTitle.get(job.title) ?? widerLimitMs;
  const result = await tree.withFault(fault, () => runner.run(job, tree.root, limitMs));
  if (result.outcome === 'passed') return undefined;
  const how = result.outcome === 'hung' ? 'HUNG' : 'caught';
  return `${how} by ${job.title}: ${result.what} (${result.seconds.toFixed(1)} s)`;
}

/** What fails with the fault counts only if it passes without it: it was not among the checked. */
async function tryWider(
  fault: PlantedFault,
  job: Job,
  tree: PrivateTree,
): Promise<string | undefined> {
  const verdict = await tryJob(fault, job, tree);
  if (verdict === undefined) return undefined;
  const sound = await runner.run(job, tree.root, widerLimitMs);
  return sound.outcome === 'passed' ? `${verdict}, not one of its own catchers` : undefined;
}

async function findVerdict(
  fault: PlantedFault,
  tree: PrivateTree,
  options: PlantedOptions,
): Promise<string | undefined> {
  const jobs = jobsFor(fault, options);
  for (const job of jobs) {
    const verdict = await tryJob(fault, job, tree);
    if (verdict !== undefined) return verdict;
  }
  if (options.by !== undefined) return undefined;
  const tried = new Set(jobs.map(({ title }) => title));
  for (const job of widerJobs(files).filter(({ title }) => !tried.has(title))) {
    const verdict = await tryWider(fault, job, tree);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

async function tryFault(
  fault: PlantedFault,
  tree: PrivateTree,
  options: PlantedOptions,
): Promise<boolean> {
  const verdict = await findVerdict(fault, tree, options);
  const missed = options.by === undefined ? 'UNCAUGHT' : `missed by ${options.by}`;
  console.log(`${fault.name} [${fault.breaks}] ${verdict ?? missed}`);
  return verdict !== undefined;
}

async function run(options: PlantedOptions): Promise<boolean> {
  const startMs = performance.now();
  const faults = chooseFaults(options);
  for (let index = 0; index < processesMax; index++) trees.push(new PrivateTree());
  const wanted = faults.flatMap((fault) => jobsFor(fault, options));
  const jobs = new Map(wanted.map((job) => [job.title, job]));
  if (!(await checkSound(jobs))) return false;
  let caughtCount = 0;
  await spread(faults, async (fault, tree) => {
    if (await tryFault(fault, tree, options)) caughtCount++;
  });
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.log(`${caughtCount} of ${faults.length} planted faults caught in ${seconds} s`);
  return caughtCount === faults.length || options.by !== undefined;
}

function clean(): void {
  runner.stop();
  for (const tree of trees) tree.remove();
}

process.on('exit', clean);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => process.exit(130));
}
/** The exit code: 2 if the words make no sense. */
async function answer(words: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(words);
    if (options === undefined) console.log(usage);
    else if (options.lists) list(options);
    else return (await run(options)) ? 0 : 1;
    return 0;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    console.error(error.message);
    return 2;
  }
}

function list(options: PlantedOptions): void {
  for (const { name, breaks, file } of chooseFaults(options)) {
    console.log(`${name} [${breaks}] ${file}`);
  }
}

process.exitCode = await answer(process.argv.slice(2));
