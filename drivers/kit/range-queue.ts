/**
 * RangeQueue: changes of one place, one after another in the order in which they came; changes of
 * different places side by side.
 */
import type { Span } from './range-gate.js';

interface Waiting {
  readonly span: Span;
  readonly run: () => void;
}

export class RangeQueue {
  readonly #running = new Set<Span>();
  #waiting: Waiting[] = [];

  /** Enters, until `leave(span)`, if nothing earlier overlaps. */
  tryEnter(span: Span): boolean {
    const isFree =
      !overlapsAny(span, this.#running) &&
      this.#waiting.every((other) => !overlaps(span, other.span));
    if (isFree) this.#running.add(span);
    return isFree;
  }

  /**
   * Enters once nothing earlier overlaps, and calls `run` then. Answers how to give it up, which
   * is false if it has entered already.
   */
  wait(span: Span, run: () => void): () => boolean {
    const entry = { span, run };
    this.#waiting.push(entry);
    return () => {
      const index = this.#waiting.indexOf(entry);
      if (index < 0) return false;
      this.#waiting.splice(index, 1);
      this.#advance();
      return true;
    };
  }

  leave(span: Span): void {
    this.#running.delete(span);
    this.#advance();
  }

  #advance(): void {
    const earlier: Span[] = [];
    const ready: Waiting[] = [];
    this.#waiting = this.#waiting.filter((next) => {
      const isFree = !overlapsAny(next.span, this.#running) && !overlapsAny(next.span, earlier);
      if (isFree) ready.push(next);
      earlier.push(next.span);
      return !isFree;
    });
    for (const next of ready) this.#running.add(next.span);
    for (const next of ready) next.run();
  }
}

function overlapsAny(span: Span, others: Iterable<Span>): boolean {
  for (const other of others) {
    if (overlaps(span, other)) return true;
  }
  return false;
}

function overlaps(span: Span, other: Span): boolean {
  return span.from < other.to && other.from < span.to;
}
