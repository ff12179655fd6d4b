/** The far end as the near end sees it: a process that tells its address, then readings. */
import { fork, type ChildProcess } from 'node:child_process';

import { hasField } from '../narrow.js';
import type { Reading } from './reading.js';
import { encodeScaleJob, type ScaleJob } from './scale-job.js';

const program = new URL('./far-end.js', import.meta.url);

export class FarProcess {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  static async start(job: ScaleJob): Promise<FarProcess> {
    const child = fork(program, encodeScaleJob(job));
    return new FarProcess(child, String(await nextAnswer(child)));
  }

  async read(isClean: boolean): Promise<Reading> {
    const answer = nextAnswer(this.#child);
    this.#child.send(isClean ? 'clean' : 'quick');
    const reading = await answer;
    if (!hasField(reading, 'cpuMs') || !hasField(reading, 'rssBytes')) {
      throw new Error('the far end answered with something else');
    }
    return { cpuMs: Number(reading.cpuMs), rssBytes: Number(reading.rssBytes) };
  }
}

function nextAnswer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      reject(new Error(`the far end stopped with ${String(code)}`));
    };
    child.once('exit', onExit);
    child.once('message', (answer) => {
      child.off('exit', onExit);
      resolve(answer);
    });
  });
}
