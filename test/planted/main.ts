/**
 * `npm run planted -- [--only PREFIX] [--by CATCHER] [--list]` plants each fault into a private
 * copy of the built project and sees whether the tests notice.
 *
 * First the sound tree has to pass everything that is to catch something, or a broken environment
 * would pass for a good net. Then each fault is tried with its own catchers in their order, and
 * with every general net if those miss it. What nothing catches is UNCAUGHT and fails the run.
 * `--by` asks instead what one catcher alone would find, and fails for nothing.
 */
import { parseArgs } from 'node:util';

import { jobsOf, testFiles, widerJobs, type Job } from './catcher.js';
import { plantedFaults } from './faults.js';
import type { PlantedFault } from './planted-fault.js';
import { PrivateTree } from './private-tree.js';
import { JobRunner } from './run-job.js';

const processesMax = 2;
/** A job may take so much longer with a fault than without, before it counts as hung. */
const patienceFactor = 4;
const patienceMs = 6_000;
/** For jobs that were not timed without a fault. */
const widerLimitMs = 120_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    by: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

const trees: PrivateTree[] = [];
const runner = new JobRunner();
const files = testFiles();
const limitMsByTitle = new Map<string, number>();

function chooseFaults(): readonly PlantedFault[] {
  const chosen = plantedFaults.filter(
    ({ name }) => values.only === undefined || name.startsWith(values.only),
  );
  if (chosen.length === 0) throw new Error(`no fault's name begins with ${values.only ?? ''}`);
  return chosen;
}

function jobsFor(fault: PlantedFault): Job[] {
  const catchers = values.by === undefined ? fault.caughtBy : [values.by];
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

async function findVerdict(fault: PlantedFault, tree: PrivateTree): Promise<string | undefined> {
  const jobs = jobsFor(fault);
  for (const job of jobs) {
    const verdict = await tryJob(fault, job, tree);
    if (verdict !== undefined) return verdict;
  }
  if (values.by !== undefined) return undefined;
  const tried = new Set(jobs.map(({ title }) => title));
  for (const job of widerJobs(files).filter(({ title }) => !tried.has(title))) {
    const verdict = await tryWider(fault, job, tree);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

async function tryFault(fault: PlantedFault, tree: PrivateTree): Promise<boolean> {
  const verdict = await findVerdict(fault, tree);
  const missed = values.by === undefined ? 'UNCAUGHT' : `missed by ${values.by}`;
  console.log(`${fault.name} [${fault.breaks}] ${verdict ?? missed}`);
  return verdict !== undefined;
}

async function run(): Promise<boolean> {
  const startMs = performance.now();
  const faults = chooseFaults();
  for (let index = 0; index < processesMax; index++) trees.push(new PrivateTree());
  const jobs = new Map(faults.flatMap(jobsFor).map((job) => [job.title, job]));
  if (!(await checkSound(jobs))) return false;
  let caughtCount = 0;
  await spread(faults, async (fault, tree) => {
    if (await tryFault(fault, tree)) caughtCount++;
  });
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.log(`${caughtCount} of ${faults.length} planted faults caught in ${seconds} s`);
  return caughtCount === faults.length || values.by !== undefined;
}

function clean(): void {
  runner.stop();
  for (const tree of trees) tree.remove();
}

process.on('exit', clean);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => process.exit(130));
}
if (values.list) {
  for (const { name, breaks, file } of plantedFaults) console.log(`${name} [${breaks}] ${file}`);
} else {
  process.exitCode = (await run()) ? 0 : 1;
}
