/** PeerProcess: the process at the other end of a ring, as the test sees it. */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Quota, TimeLimits } from 'idc';

import type { RingOptions } from '../../transports/ring/index.js';
import { recordBytesMax } from './transport-record.js';

export interface PeerOptions {
  readonly role: 'listen' | 'dial';
  readonly address: string;
  readonly task: 'flood' | 'answer';
  /** False: it calls `poll` in a loop and never returns to the event loop. */
  readonly yields: boolean;
  readonly seed: number;
}

/** Small, so that the rings wrap often and are full most of the time. */
export const ringOptions: RingOptions = { ringBytes: 16 * 1024 };
export const quota: Partial<Quota> = {
  messages: 64,
  messageBytes: recordBytesMax,
  transactions: 8,
  parameterBytes: 4096,
  statusBytes: 4096,
};
export const limits: Partial<TimeLimits> = {
  lingerMs: 1000,
  // Deaths are told by the kernel; a peer that merely waits for a processor is not to be silent.
  keepAliveMs: 5000,
  flushMs: 300,
  drainMs: 2000,
  dialMinMs: 2,
  dialMaxMs: 20,
};

const main = fileURLToPath(new URL('transport-peer-main.js', import.meta.url));
const watchdogMs = 30_000;

/** An address that nobody else uses. */
export function freshAddress(): string {
  return `ring://test-${randomBytes(8).toString('hex')}/load`;
}

export class PeerProcess {
  readonly #child: ChildProcess;
  #isGone = false;

  /** The process starts; it does nothing before `start`. */
  constructor() {
    this.#child = fork(main, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.once('exit', () => (this.#isGone = true));
  }

  /** It listens, or has begun to dial. */
  async start(options: PeerOptions): Promise<void> {
    this.#child.send(options);
    await once(this.#child, 'message');
  }

  signal(signal: NodeJS.Signals): void {
    assert.ok(!this.#isGone, 'the process is there');
    this.#child.kill(signal);
  }

  /** How often its main thread has waited in the kernel, and was woken. */
  countWakes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'latin1');
    return Number(/^voluntary_ctxt_switches:\s*(\d+)/mu.exec(status)?.[1]);
  }

  async kill(): Promise<void> {
    if (this.#isGone) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}

/** Turns the event loop until `fact` holds. */
export async function until(what: string, fact: () => boolean): Promise<void> {
  const startMs = performance.now();
  while (!fact()) {
    const waitedMs = performance.now() - startMs;
    if (waitedMs > watchdogMs) throw new Error(`watchdog: waited ${watchdogMs} ms until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
