/**
 * TaskHeap: what a simulated world has still to do, first things first: by time, then by kind, then
 * in the order in which it was asked for. So the order of a run is a fact of its seed.
 */
import type { Life } from './life.js';

/** In the order in which they run at one point in time. */
export const TaskKind = {
  /** A domain's own `next`: before anything else happens to it. */
  Next: 0,
  /** A turn of a domain's event loop. */
  Soon: 1,
  /** A timer, or something that arrives. */
  After: 2,
} as const;
export type TaskKind = (typeof TaskKind)[keyof typeof TaskKind];

export interface Task {
  atMs: number;
  readonly kind: TaskKind;
  readonly order: number;
  readonly life: Life;
  /** Undefined once it was cancelled. */
  run: (() => void) | undefined;
}

export class TaskHeap {
  readonly #tasks: Task[] = [];

  /** Everything in it, in no order. */
  get tasks(): readonly Task[] {
    return this.#tasks;
  }

  get first(): Task | undefined {
    return this.#tasks[0];
  }

  push(task: Task): void {
    const tasks = this.#tasks;
    let index = tasks.length;
    tasks.push(task);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = tasks[above];
      if (parent === undefined || isBefore(parent, task)) break;
      tasks[index] = parent;
      index = above;
    }
    tasks[index] = task;
  }

  pop(): Task | undefined {
    const tasks = this.#tasks;
    const first = tasks[0];
    const last = tasks.pop();
    if (first !== undefined && last !== undefined && first !== last) this.#sink(last);
    return first;
  }

  /** Puts `task` in at the top and lets it find its place. */
  #sink(task: Task): void {
    const tasks = this.#tasks;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      let child = tasks[below];
      if (child === undefined) break;
      const right = tasks[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below += 1;
      }
      if (isBefore(task, child)) break;
      tasks[index] = child;
      index = below;
    }
    tasks[index] = task;
  }
}

function isBefore(a: Task, b: Task): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.kind !== b.kind ? a.kind < b.kind : a.order < b.order;
}
