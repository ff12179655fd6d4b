/**
 * The program of one contender, started by `near-end-process.ts`: opens the subject, warms it up,
 * and makes a run whenever it is told to. A process each keeps one subject's garbage and compiled
 * code out of another's figures.
 *
 * By hand, for a profile, it makes some runs and prints them:
 * `node --expose-gc --cpu-prof dist/test/bench/near-end.js idc-memory message-64 plain`
 */
import { prepareAllocation } from './allocation.js';
import { decodeJob, type Job } from './job.js';
import { reasonOf } from './narrow.js';
import type { NearEndMessage } from './near-end-message.js';
import type { Session, Subject } from './session.js';
import { loadSubject } from './subjects.js';
import { prepareTiming } from './timing.js';
import { workloads } from './workload.js';

const runsByHand = 10;

function tell(message: NearEndMessage): void {
  if (process.send === undefined) console.log(JSON.stringify(message));
  else process.send(message);
}

async function load(job: Job): Promise<Subject | undefined> {
  try {
    return await loadSubject(job.subject);
  } catch (error) {
    tell({ kind: 'missing', reason: reasonOf(error) });
    return undefined;
  }
}

async function contend(subject: Subject, job: Job): Promise<void> {
  const session = await subject.open(job);
  const prepare = workloads[job.workload].allocation ? prepareAllocation : prepareTiming;
  const run = await prepare(session, job.workload);
  tell({ kind: 'ready', note: session.note });
  if (process.send !== undefined) {
    process.on('message', () => void run().then((figures) => tell({ kind: 'ran', figures }), fail));
    process.once('disconnect', () => void end(session));
    return;
  }
  for (let count = 0; count < runsByHand; count += 1) {
    tell({ kind: 'ran', figures: await run() });
  }
  await end(session);
}

async function end(session: Session): Promise<void> {
  await session.close();
  process.exit();
}

function fail(error: unknown): void {
  tell({ kind: 'failed', reason: reasonOf(error) });
  // What it had opened would keep it alive.
  if (process.listenerCount('disconnect') === 0) process.once('disconnect', () => process.exit());
}

const job = decodeJob(process.argv.slice(2));
const subject = await load(job);
if (subject !== undefined) await contend(subject, job).catch(fail);
