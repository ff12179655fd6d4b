/**
 * The holders as an attack sees them: a thread, or a process that can be stopped and killed. By
 * default they hold regions; another program takes orders of its own.
 */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import type { HolderOptions, Order, Report } from './orders.js';

const processProgram = new URL('holder-main.js', import.meta.url);
const threadProgram = new URL('holder-thread.js', import.meta.url);

export interface Party<Options = HolderOptions, Asked = Order, Answer = Report> {
  readonly options: Options;
  /** One order at a time. */
  ask(order: Asked): Promise<Answer>;
  end(): Promise<void>;
}

export class ThreadParty<
  Options extends object = HolderOptions,
  Asked extends object = Order,
  Answer = Report,
> implements Party<Options, Asked, Answer> {
  readonly options: Options;
  readonly #worker: Worker;

  constructor(options: Options, program: URL = threadProgram) {
    this.options = options;
    this.#worker = new Worker(program, { workerData: options });
  }

  async ask(order: Asked): Promise<Answer> {
    const answered: Promise<unknown[]> = once(this.#worker, 'message');
    this.#worker.postMessage(order);
    const [report] = await answered;
    return report as Answer; // the thread posts nothing else
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

export class ProcessParty<
  Options extends object = HolderOptions,
  Asked extends object = Order,
  Answer = Report,
> implements Party<Options, Asked, Answer> {
  readonly options: Options;
  /** It runs, and hears orders. */
  readonly ready: Promise<void>;
  readonly ended: Promise<NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  #isReady = false;

  constructor(options: Options, program: URL = processProgram) {
    this.options = options;
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
    this.#child = fork(fileURLToPath(program), [JSON.stringify(options)], { stdio: [...stdio] });
    this.ended = once(this.#child, 'exit').then(() => this.#child.signalCode);
    this.ready = once(this.#child, 'message').then(() => {
      this.#isReady = true;
    });
  }

  /** False until `ready` is fulfilled. */
  get isReady(): boolean {
    return this.#isReady;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ask(order: Asked): Promise<Answer> {
    const ended = this.ended.then((signal) => assert.fail(`it ended: ${String(signal)}`));
    await Promise.race([this.ready, ended]);
    const answered: Promise<unknown[]> = once(this.#child, 'message');
    this.#child.send(order);
    const [report] = await Promise.race([answered, ended]);
    return report as Answer; // the process sends nothing else
  }

  /** An order that the process is not meant to survive. */
  send(order: Asked): void {
    this.#child.send(order);
  }

  signal(signal: NodeJS.Signals): void {
    assert.ok(this.#child.kill(signal), 'the process is there');
  }

  /** Stops it, and answers when the kernel says that it stands still. */
  async stop(): Promise<void> {
    this.signal('SIGSTOP');
    while (readState(this.pid) !== 'T') await new Promise(setImmediate);
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** The letter behind the command's name, which is in brackets. */
function readState(pid: number): string | undefined {
  const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return /\) (\w)/u.exec(status)?.[1];
}
