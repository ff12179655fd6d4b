/**
 * A program as a person runs it: a process of its own in a group of its own, with its output.
 *
 * The group tells what was left behind. `ended` settles when every process that holds the program's
 * output is gone, so that a test can ask about the group without waiting.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Ending {
  /** As a shell reports it: 128 and the signal's number for a program that a signal ended. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Variables beside, or in place of, those of this process. */
export type Environment = Readonly<Record<string, string>>;

export class Program {
  readonly id: number;
  readonly ended: Promise<Ending>;
  /** What it wrote to standard output so far. */
  output = '';
  /** What it wrote to standard error so far. */
  errors = '';
  readonly #child: ChildProcess;

  constructor(command: string, words: readonly string[], environment: Environment = {}) {
    const child = spawn(command, words, {
      detached: true,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    this.#child = child;
    this.id = child.pid ?? 0;
    this.ended = once(child, 'close').then(() => ({
      code: child.exitCode,
      signal: child.signalCode,
    }));
  }

  /** The first match of `pattern` in the output; fails if the program ends without one. */
  async untilOutput(pattern: RegExp): Promise<RegExpExecArray> {
    const ended = this.ended.then(() => true);
    for (let isOver = false; ; isOver = await Promise.race([this.#untilMore(), ended])) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (isOver) throw new Error(`no ${String(pattern)} in:\n${this.output}\n${this.errors}`);
    }
  }

  /** Sends `signal` to the program alone. */
  interrupt(signal: NodeJS.Signals): void {
    process.kill(this.id, signal);
  }

  /** Sends `signal` to the program and all that it started, as a terminal does. */
  interruptGroup(signal: NodeJS.Signals): void {
    process.kill(-this.id, signal);
  }

  /** Ends whatever lives of the program and all that it started. */
  killGroup(): void {
    if (this.hasProcesses()) this.interruptGroup('SIGKILL');
  }

  /** Stops reading, as `| head` does. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  /** True if a process of the group lives; one that ended and was not yet reaped does not. */
  hasProcesses(): boolean {
    return readdirSync('/proc').some((name) => isMemberAlive(name, this.id));
  }

  async #untilMore(): Promise<false> {
    if (this.#child.stdout !== null) await once(this.#child.stdout, 'data');
    return false;
  }
}

/** True if `/proc/name` is a living process of the group. */
function isMemberAlive(name: string, group: number): boolean {
  if (!/^\d+$/.test(name)) return false;
  // `id (command) state parent group ...`, where the command may hold anything.
  const fields = readStat(name).split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[2]) === group && fields[0] !== 'Z' && fields[0] !== 'X';
}

function readStat(name: string): string {
  try {
    return readFileSync(`/proc/${name}/stat`, 'utf8');
  } catch {
    // It ended since the folder was listed.
    return '';
  }
}

/** A built example by its path below `examples`, without the ending. */
export function examplePath(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url));
}

/** Starts a built example under this Node. */
export function startExample(name: string, words: readonly string[]): Program {
  return new Program(process.execPath, [examplePath(name), ...words]);
}
