/** Starts the far end of a job, and stops it. Used by the near end of every subject. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { encodeJob, type Job } from './job.js';
import { hasField } from './narrow.js';

const program = new URL('./far-end.js', import.meta.url);

export interface FarEnd {
  /** Where it listens; empty if it does not. */
  readonly address: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** A process; its IPC channel is free for the subject's own use once this has settled. */
export async function startFarEnd(job: Job, nearAddress = ''): Promise<FarEnd> {
  const child = fork(program, [nearAddress, ...encodeJob(job)], { serialization: 'advanced' });
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('exit', (code, signal) => {
      reject(new Error(`the far end stopped with ${String(signal ?? code)} before it was ready`));
    });
  });
  const ready = new Promise<unknown>((resolve) => child.once('message', resolve));
  const message = await Promise.race([ready, ended]);
  child.removeAllListeners('exit');
  if (!hasField(message, 'address')) throw new Error('the far end did not say where it is');
  const stop = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.disconnect();
    await exited;
  };
  return { address: String(message.address), process: child, stop };
}

/** A thread; its port is the worker's own `parentPort`. */
export async function startFarEndThread(job: Job): Promise<Worker> {
  const worker = new Worker(program, { workerData: ['', ...encodeJob(job)] });
  await once(worker, 'online');
  return worker;
}
