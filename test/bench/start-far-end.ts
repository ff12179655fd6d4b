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
  stop(): Promise<void>;
}

export interface FarProcess extends FarEnd {
  readonly process: ChildProcess;
}

export interface FarThread extends FarEnd {
  readonly worker: Worker;
}

/** A process; its IPC channel is free for the subject's own use once this has settled. */
export async function startFarEnd(job: Job, nearAddress = ''): Promise<FarProcess> {
  const child = fork(program, [nearAddress, ...encodeJob(job)], { serialization: 'advanced' });
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('exit', (code, signal) => {
      reject(new Error(`the far end stopped with ${String(signal ?? code)} before it was ready`));
    });
  });
  const ready = new Promise<unknown>((resolve) => child.once('message', resolve));
  const message = await Promise.race([ready, ended]);
  child.removeAllListeners('exit');
  const address = addressIn(message);
  const stop = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.disconnect();
    await exited;
  };
  return { address, process: child, stop };
}

/** A thread; `parentPort` is free for the subject's own use once this has settled. */
export async function startFarEndThread(job: Job): Promise<FarThread> {
  const worker = new Worker(program, { workerData: ['', ...encodeJob(job)] });
  const [message] = (await once(worker, 'message')) as [unknown]; // What `once` answers.
  const stop = async (): Promise<void> => {
    await worker.terminate();
  };
  return { address: addressIn(message), worker, stop };
}

function addressIn(message: unknown): string {
  if (!hasField(message, 'address')) throw new Error('the far end did not say where it is');
  return String(message.address);
}
