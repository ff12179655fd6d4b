/** A contender that is a subject of this bench, in a process of its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { allocationArguments } from './allocation.js';
import type { Contender, Figure, Start } from './contender.js';
import { encodeJob, type Job } from './job.js';
import { isNearEndMessage, type NearEndMessage } from './near-end-message.js';
import { workloads } from './workload.js';

const program = new URL('./near-end.js', import.meta.url);

/** A watchdog, not a limit: a process that is silent for so long hangs. */
const watchdogMs = 30_000;

/** Starts the job's process and waits until it is warm. */
export async function startNearEnd(job: Job): Promise<Start> {
  const more = workloads[job.workload].allocation ? allocationArguments : [];
  const child = fork(program, encodeJob(job), { execArgv: [...process.execArgv, ...more] });
  const message = await nextMessage(child);
  if (message.kind === 'ready') {
    return { kind: 'ready', contender: new NearEndProcess(child, message.note) };
  }
  await stop(child);
  if (message.kind !== 'ran') return message;
  return { kind: 'failed', reason: 'it ran before it was ready' };
}

class NearEndProcess implements Contender {
  readonly note: string;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, note: string) {
    this.note = note;
    this.#child = child;
  }

  async run(): Promise<readonly Figure[]> {
    this.#child.send('run');
    const message = await nextMessage(this.#child);
    if (message.kind === 'ran') return message.figures;
    throw new Error(message.kind === 'ready' ? 'it was ready twice' : message.reason);
  }

  stop(): Promise<void> {
    return stop(this.#child);
  }
}

/** The end of the process and silence count as failures. */
function nextMessage(child: ChildProcess): Promise<NearEndMessage> {
  return new Promise((resolve) => {
    const settle = (message: NearEndMessage): void => {
      clearTimeout(watchdog);
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(message);
    };
    const onMessage = (message: unknown): void => {
      if (isNearEndMessage(message)) settle(message);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      settle({ kind: 'failed', reason: `the process ended with ${signal ?? String(code)}` });
    };
    const watchdog = setTimeout(() => {
      child.kill('SIGKILL');
    }, watchdogMs);
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const watchdog = setTimeout(() => {
    child.kill('SIGKILL');
  }, watchdogMs);
  if (child.connected) child.disconnect();
  await exited;
  clearTimeout(watchdog);
}
