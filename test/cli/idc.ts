/** The command as its users run it: to its end, or for as long as a test wants it to run. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Program } from '../unit/program.js';

/** The built command. */
export const program: string = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** Whoever makes no attempt within so long makes none. */
const timeoutMsMax = 20_000;

export class Running {
  readonly child: ChildProcess;
  output = '';
  errors = '';
  readonly #ended: Promise<unknown[]>;
  #onOutput: (() => void)[] = [];

  /** `environment`: beside this process's own. */
  constructor(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const env = { ...process.env, ...environment };
    const child = spawn(process.execPath, [program, ...words], { stdio: 'pipe', env });
    this.child = child;
    this.#ended = once(child, 'close');
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      for (const look of this.#onOutput.splice(0)) look();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    void this.#ended.then(() => {
      for (const look of this.#onOutput.splice(0)) look();
    });
  }

  /** The exit code once it has ended; -1 for a signal. */
  async end(): Promise<number> {
    await this.#ended;
    return this.child.exitCode ?? -1;
  }

  /** The first group of the pattern, once that is in the output. */
  async prints(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found[1] ?? '';
      const hasEnded = this.child.exitCode !== null || this.child.signalCode !== null;
      if (hasEnded) throw new Error(`ended without ${String(pattern)}: ${this.errors}`);
      await new Promise<void>((resolve) => {
        this.#onOutput.push(resolve);
      });
    }
  }

  /** A service at a free port, once it listens there. */
  listens(): Promise<string> {
    return this.prints(/^listening at (\S+)$/mu);
  }
}

/** `idc WORDS`, as it is. */
export function run(...words: string[]): Running {
  return new Running(words);
}

/** `idc WORDS` in a process group of its own, with nothing to read. */
export function start(...words: string[]): Program {
  return new Program(process.execPath, [program, ...words]);
}

export interface Outcome {
  /** -1 for a signal. */
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** What `idc WORDS` made of it, once it has ended. */
export async function idc(...words: string[]): Promise<Outcome> {
  const running = run(...words);
  const code = await running.end();
  const { output, errors } = running;
  return { code, output, errors };
}

/**
 * The same with `--timeout-ms`, which is doubled until the error is the one that is `told`: in a
 * short time a process may have been kept from making a single attempt.
 */
export async function idcInTime(
  told: (timeoutMs: number) => RegExp,
  ...words: string[]
): Promise<Outcome & { readonly timeoutMs: number }> {
  let timeoutMs = 200;
  for (;;) {
    const outcome = await idc(...words, '--timeout-ms', String(timeoutMs));
    const isTold = told(timeoutMs).test(outcome.errors);
    if (isTold || timeoutMs > timeoutMsMax) return { ...outcome, timeoutMs };
    timeoutMs *= 2;
  }
}
