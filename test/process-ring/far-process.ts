/** The other process of a test, as the test sees it: `ask` gives it an order. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { Answer, Introduced, Order } from './orders.js';

const main = fileURLToPath(new URL('far-main.js', import.meta.url));

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class FarProcess {
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;

  /** `before`: words in front of the command, such as those of `unshare`. */
  constructor(context: TestContext, before: readonly string[] = []) {
    const words = [...before, process.execPath, main];
    const [command = '', ...rest] = words;
    const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child = child;
    this.ended = once(child, 'exit').then(() => ({
      code: child.exitCode,
      signal: child.signalCode,
    }));
    context.after(() => this.#child.kill('SIGKILL'));
  }

  async ask(order: Order): Promise<Answer> {
    const messages: Promise<unknown[]> = once(this.#child, 'message');
    // The program answers every order with this type, and says nothing else.
    const answered = messages.then(([answer]) => answer as Answer);
    const ended = this.ended.then((ending) => assert.fail(`it ended: ${JSON.stringify(ending)}`));
    this.#child.send(order);
    return await Promise.race([answered, ended]);
  }

  /** Makes the process's memory, with `mark` as the first word of its ring. */
  async make(token: Uint8Array, mark: number): Promise<Introduced> {
    const answer = await this.ask({ order: 'make', token: [...token], mark });
    assert.ok(answer.introduced, answer.outcome);
    return answer.introduced;
  }

  /** An order that the process is not meant to survive. */
  send(order: Order): void {
    this.#child.send(order);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** Users, namespaces and limits are root's to give; who tests as another does it on purpose. */
export function isRoot(context: TestContext): boolean {
  if (process.getuid?.() === 0) return true;
  context.diagnostic('not shown: this needs root');
  assert.equal(process.env['CI'], undefined, 'CI runs as root');
  return false;
}
