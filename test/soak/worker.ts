/** Worker: one process of a soak, as its parent sees it. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { Quiet } from '../process/quiet.js';
import { guard } from '../process/watchdog.js';
import type { Sample } from './sample.js';
import type { SoakAnswer, SoakCommand } from './setup.js';

/** One command may bring thousands of strangers. */
const watchdogMs = 180_000;

export class Worker {
  readonly name: string;
  readonly samples: Sample[] = [];
  address = '';
  readonly #child: ChildProcess;
  readonly #quiet = new Quiet();
  #answerCount = 0;
  #isGone = false;
  #ending = '';
  #stderr = '';

  constructor(name: string, program: string, words: readonly string[]) {
    this.name = name;
    this.#child = fork(fileURLToPath(new URL(program, import.meta.url)), words, {
      execArgv: ['--enable-source-maps', '--expose-gc'],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#child.on('message', (message) => {
      // reason: the child sends nothing else
      this.#hear(message as SoakAnswer);
    });
    this.#child.on('close', (code, signal) => {
      this.#isGone = true;
      this.#ending = String(code ?? signal);
      this.#quiet.changed();
    });
  }

  /** Resolves with the address at which it listens. */
  async listening(): Promise<string> {
    await this.#until('listening', () => this.address !== '');
    return this.address;
  }

  /** Resolves when the process has told or answered something. */
  async answered(): Promise<void> {
    await this.#until('an answer', () => this.#answerCount > 0);
  }

  async ask(command: SoakCommand): Promise<void> {
    const target = this.#answerCount + 1;
    this.#child.send(command);
    await this.#until(command, () => this.#answerCount >= target);
  }

  /** Resolves when it has ended by itself, and well. */
  async ended(): Promise<void> {
    await this.#until('its end', () => this.#isGone, false);
    if (this.#ending !== '0') throw new Error(`${this.name} ended: ${this.#ending}`);
  }

  /** Kills it, whatever state it is in, and waits until it is gone. */
  async kill(): Promise<void> {
    if (!this.#isGone) this.#child.kill('SIGKILL');
    await this.#until('its death', () => this.#isGone, false);
  }

  async #until(what: string, holds: () => boolean, isAlive = true): Promise<void> {
    const work = this.#quiet.until(() => holds() || (isAlive && this.#isGone));
    await guard(work, () => `${this.name} for ${what}\n${this.#stderr}`, watchdogMs);
    if (!holds()) throw new Error(`${this.name} ended before ${what}\n${this.#stderr}`);
  }

  #hear({ address, sample }: SoakAnswer): void {
    if (sample !== undefined) this.samples.push(sample);
    if (address === undefined) this.#answerCount++;
    else this.address = address;
    this.#quiet.changed();
  }
}
