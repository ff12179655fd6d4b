/** Starts and kills the process of the back end, on behalf of the front end's. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Failure } from './failure.js';

const programPath = fileURLToPath(new URL('./back-end-process.js', import.meta.url));

export interface BackEndChild {
  readonly id: number | undefined;
  /** Where it listens, with the real port. */
  readonly address: string;
  /** Ends it by SIGKILL and resolves when it is gone. It only reads, so no other end is needed. */
  kill(): Promise<void>;
}

/**
 * Resolves when the new process listens. Aborts `program` if it ever ends by itself, for the front
 * end would wait for its return.
 */
export async function startBackEnd(
  imagePath: string,
  address: string,
  program: AbortController,
): Promise<BackEndChild> {
  program.signal.throwIfAborted();
  const child = fork(programPath, [imagePath, address], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let isWanted = true;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      if (isWanted) program.abort(new Failure('the process of the back end ended by itself'));
      resolve();
    });
  });
  const kill = async (): Promise<void> => {
    isWanted = false;
    child.kill('SIGKILL');
    await gone;
  };
  try {
    return { id: child.pid, address: await receiveAddress(child, program.signal), kill };
  } catch (error) {
    await kill();
    program.signal.throwIfAborted();
    throw error;
  }
}

async function receiveAddress(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const words: unknown[] = await once(child, 'message', { signal });
  const address = words[0];
  if (typeof address !== 'string') throw new Failure('the process of the back end sent no address');
  return address;
}
