/** Starts and ends a back end that runs elsewhere, on behalf of the front end's process. */
import { fork } from 'node:child_process';
import { once, type EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Failure } from './failure.js';

const processProgram = fileURLToPath(new URL('./back-end-process.js', import.meta.url));
const threadProgram = new URL('./back-end-thread.js', import.meta.url);

export interface BackEndChild {
  /** `process 4711`, `thread 1`. */
  readonly name: string;
  /** Where it listens, with the real port. */
  readonly address: string;
  /** Ends it as it is, and resolves when it is gone. It only reads, so no other end is needed. */
  kill(): Promise<void>;
}

/**
 * Resolves when the new process listens; SIGKILL ends it. Aborts `program` if it ever ends by
 * itself, for the front end would wait for its return.
 */
export async function startProcess(
  imagePath: string,
  address: string,
  program: AbortController,
): Promise<BackEndChild> {
  program.signal.throwIfAborted();
  const child = fork(processProgram, [imagePath, address], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const end = (): void => void child.kill('SIGKILL');
  return await settle(child, `process ${child.pid ?? ''}`, end, program);
}

/** The same for a new thread of this process. */
export async function startThread(
  imagePath: string,
  address: string,
  program: AbortController,
): Promise<BackEndChild> {
  program.signal.throwIfAborted();
  const worker = new Worker(threadProgram, { argv: [imagePath, address] });
  // What it throws is a bug, as if it were thrown here.
  worker.once('error', (error) => {
    program.abort(error);
  });
  const name = `thread ${worker.threadId}`;
  return await settle(worker, name, () => void worker.terminate(), program);
}

async function settle(
  child: EventEmitter,
  name: string,
  end: () => void,
  program: AbortController,
): Promise<BackEndChild> {
  let isWanted = true;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      if (isWanted) program.abort(new Failure(`the back end, ${name}, ended by itself`));
      resolve();
    });
  });
  const kill = async (): Promise<void> => {
    isWanted = false;
    end();
    await gone;
  };
  try {
    return { name, address: await receiveAddress(child, program.signal), kill };
  } catch (error) {
    await kill();
    program.signal.throwIfAborted();
    throw error;
  }
}

async function receiveAddress(child: EventEmitter, signal: AbortSignal): Promise<string> {
  const words: unknown[] = await once(child, 'message', { signal });
  const address = words[0];
  if (typeof address !== 'string') throw new Failure('the back end sent no address');
  return address;
}
