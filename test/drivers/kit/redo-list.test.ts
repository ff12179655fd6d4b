/** The redo list: it ends, whoever does not come back, and in the order in which it began. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Scheduler } from 'idc';
import { RedoList, type RedoItem } from '../../../drivers/kit/redo-list.js';

const graceMs = 100;

/** Time that passes when it is told to. */
class HandClock implements Scheduler {
  readonly #tasks = new Set<{ readonly atMs: number; readonly task: () => void }>();
  #nowMs = 0;

  get pendingCount(): number {
    return this.#tasks.size;
  }

  soon(task: () => void): void {
    task();
  }

  next(task: () => void): void {
    task();
  }

  after(delayMs: number, task: () => void): { cancel: () => void } {
    const entry = { atMs: this.#nowMs + delayMs, task };
    this.#tasks.add(entry);
    return { cancel: () => this.#tasks.delete(entry) };
  }

  pass(durationMs: number): void {
    this.#nowMs += durationMs;
    for (const entry of [...this.#tasks]) {
      if (entry.atMs > this.#nowMs) continue;
      this.#tasks.delete(entry);
      entry.task();
    }
  }
}

const [a, b]: readonly [RedoItem, RedoItem] = [
  { frontEnd: 'one', sequence: 1 },
  { frontEnd: 'other', sequence: 1 },
];

class Scene {
  readonly clock = new HandClock();
  readonly log: string[] = [];
  readonly list = new RedoList({
    items: [a, b],
    graceMs,
    scheduler: this.clock,
    onDropped: ({ frontEnd }) => this.log.push(`dropped ${frontEnd}`),
  });

  submit(item: RedoItem): AbortController {
    const abort = new AbortController();
    const { frontEnd } = item;
    const note = (what: string) => () => void this.log.push(`${what} ${frontEnd}`);
    this.list.submit(item, abort.signal, note('run'), note('forget'));
    return abort;
  }

  hold(label: string): AbortController {
    const abort = new AbortController();
    const note = (what: string) => () => void this.log.push(`${what} ${label}`);
    this.list.hold(abort.signal, note('run'), note('forget'));
    return abort;
  }
}

it('runs in its order, whatever comes first, and what is held after it', () => {
  const scene = new Scene();
  scene.submit(b);
  scene.hold('new');
  scene.submit(a);
  assert.deepEqual(scene.log, ['run one']);
  scene.list.finish(a);
  scene.list.finish(b);
  assert.deepEqual(scene.log, ['run one', 'run other', 'run new']);
  assert.equal(scene.clock.pendingCount, 0);
});

it('who is lost after the grace is waited for once more, and not for ever', () => {
  const scene = new Scene();
  scene.submit(a);
  const lost = scene.submit(b);
  scene.hold('new');
  scene.clock.pass(graceMs);
  lost.abort();
  scene.list.finish(a);
  scene.clock.pass(graceMs - 1);
  assert.deepEqual(scene.log, ['run one', 'forget other']);
  scene.clock.pass(1);
  assert.deepEqual(scene.log, ['run one', 'forget other', 'dropped other', 'run new']);
});

it('who is back before the grace is over is not dropped by it', () => {
  const scene = new Scene();
  scene.submit(a);
  scene.submit(b).abort();
  scene.clock.pass(graceMs - 1);
  scene.submit(b);
  scene.clock.pass(graceMs);
  scene.list.finish(a);
  assert.deepEqual(scene.log, ['run one', 'forget other', 'run other']);
});

it('what is held and given up does not run', () => {
  const scene = new Scene();
  scene.hold('new').abort();
  scene.list.drop(() => true);
  assert.deepEqual(scene.log, ['forget new', 'dropped one', 'dropped other']);
});

it('closed: leaves no timer', () => {
  const scene = new Scene();
  assert.equal(scene.clock.pendingCount, 2);
  scene.list.close();
  assert.equal(scene.clock.pendingCount, 0);
});
