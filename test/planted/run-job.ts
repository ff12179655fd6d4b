/**
 * Runs one job in a process group of its own, which ends with the first failure that it reports,
 * or at its time limit: a fault may well make a test wait for ever, and that is a way to notice it.
 */
import { spawn, type ChildProcess } from 'node:child_process';

import type { Job } from './catcher.js';
import { ReportReader } from './report-reader.js';

export interface JobResult {
  readonly outcome: 'passed' | 'failed' | 'hung';
  /** Which test failed; empty if none did. */
  readonly what: string;
  readonly seconds: number;
}

export class JobRunner {
  readonly #running = new Set<ChildProcess>();

  /** Runs the job over the tree at `root`. */
  run(job: Job, root: string, limitMs: number): Promise<JobResult> {
    const startMs = performance.now();
    const child = spawn(process.execPath, [...job.nodeOptions, job.program, ...job.words], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.add(child);
    const reader = new ReportReader();
    let isHung = false;
    let stderr = '';
    const timer = setTimeout(() => {
      isHung = true;
      killGroup(child);
    }, limitMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      reader.take(text);
      if (reader.failure !== undefined) killGroup(child);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4096);
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(timer);
        // What the tests started themselves does not outlive them.
        killGroup(child);
        this.#running.delete(child);
        const seconds = (performance.now() - startMs) / 1000;
        const failure = reader.failure ?? failureOfExit(code, stderr, reader.passCount);
        if (isHung && reader.failure === undefined) {
          resolve({
            outcome: 'hung',
            what: `no end within ${Math.round(limitMs / 1000)} s`,
            seconds,
          });
        } else if (failure !== undefined) {
          resolve({ outcome: 'failed', what: failure, seconds });
        } else {
          resolve({ outcome: 'passed', what: '', seconds });
        }
      });
    });
  }

  /** Ends whatever runs. */
  stop(): void {
    for (const child of this.#running) killGroup(child);
  }
}

/** A program that dies, or in which nothing ran, has not passed. */
function failureOfExit(code: number | null, stderr: string, passCount: number): string | undefined {
  if (code === 0) return passCount > 0 ? undefined : 'nothing ran';
  const error = /^\S*Error\b.*$/m.exec(stderr)?.[0] ?? stderr.trim().split('\n').at(-1) ?? '';
  return `exit code ${code ?? 'none'}: ${error}`;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The whole group has ended already.
  }
}
