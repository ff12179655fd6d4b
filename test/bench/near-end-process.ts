/** A contender in a process of its own, which is told by messages when to run. */
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

/** Starts the job's process, for a subject of this bench, and waits until it is warm. */
export function startNearEnd(job: Job): Promise<Start> {
  const more = workloads[job.workload].allocation ? allocationArguments : [];
  const execArgv = [...process.execArgv, ...more];
  return startNearEndProcess(fork(program, encodeJob(job), { execArgv }), watchdogMs);
}

/** The process says when it is warm. It may be silent for `silenceMs` at most. */
export async function startNearEndProcess(child: ChildProcess, silenceMs: number): Promise<Start> {
  const nearEnd = new NearEndProcess(child, silenceMs);
  const message = await nearEnd.nextMessage();
  if (message.kind === 'ready') {
    nearEnd.note = message.note;
    return { kind: 'ready', contender: nearEnd };
  }
  await nearEnd.stop();
  if (message.kind !== 'ran') return message;
  return { kind: 'failed', reason: 'it ran before it was ready' };
}

class NearEndProcess implements Contender {
  note = '';
  readonly #child: ChildProcess;
  readonly #silenceMs: number;

  constructor(child: ChildProcess, silenceMs: number) {
    this.#child = child;
    this.#silenceMs = silenceMs;
  }

  async run(): Promise<readonly Figure[]> {
    this.#child.send('run');
    const message = await this.nextMessage();
    if (message.kind === 'ran') return message.figures;
    throw new Error(message.kind === 'ready' ? 'it was ready twice' : message.reason);
  }

  /** The end of the process and silence count as failures. */
  nextMessage(): Promise<NearEndMessage> {
    const child = this.#child;
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
      const watchdog = this.#watch();
      child.on('message', onMessage);
      child.on('exit', onExit);
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    const watchdog = this.#watch();
    if (child.connected) child.disconnect();
    await exited;
    clearTimeout(watchdog);
  }

  #watch(): NodeJS.Timeout {
    return setTimeout(() => this.#child.kill('SIGKILL'), this.#silenceMs);
  }
}
