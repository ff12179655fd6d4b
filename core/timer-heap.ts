/**
 * TimerHeap: far time limits in order of their deadlines, as a pairing heap.
 *
 * The links are fields of the timers themselves, so nothing is allocated, and arming is one
 * comparison. Only the wheel uses it. (Fredman, Sedgewick, Sleator and Tarjan, Algorithmica 1986.)
 */
import type { WheelTimer } from './timer-wheel.js';

export class TimerHeap {
  /** Its `child` is the root, so that whatever is in the heap has a `previous`. */
  readonly #top: WheelTimer;

  /** `top` stands above the root and is never due itself. */
  constructor(top: WheelTimer) {
    this.#top = top;
  }

  /** The timer that is due first; undefined if there is none. */
  get first(): WheelTimer | undefined {
    return this.#top.child;
  }

  add(timer: WheelTimer): void {
    this.#root(meld(this.#top.child, timer));
  }

  /** Takes out a timer that is in the heap, wherever it is there. */
  remove(timer: WheelTimer): void {
    const orphans = meldPairs(timer.child);
    timer.child = undefined;
    if (timer === this.#top.child) {
      this.#top.child = undefined;
      if (orphans !== undefined) this.#root(orphans);
    } else {
      detach(timer);
      if (orphans !== undefined) this.#root(meld(this.#top.child, orphans));
    }
    timer.previous = undefined;
    timer.next = undefined;
  }

  #root(timer: WheelTimer): void {
    this.#top.child = timer;
    timer.previous = this.#top;
    timer.next = undefined;
  }
}

/**
 * Puts the root that is due later below the other one, as its first child. A first child's
 * `previous` is its parent; those of the others are their elder siblings.
 */
function meld(one: WheelTimer | undefined, other: WheelTimer): WheelTimer {
  if (one === undefined) return other;
  const isFirst = one.deadlineTick <= other.deadlineTick;
  const parent = isFirst ? one : other;
  const child = isFirst ? other : one;
  const sibling = parent.child;
  child.previous = parent;
  child.next = sibling;
  if (sibling !== undefined) sibling.previous = child;
  parent.child = child;
  return parent;
}

/** Makes one heap of a row of siblings: in pairs from the left, then all pairs from the right. */
function meldPairs(first: WheelTimer | undefined): WheelTimer | undefined {
  let pairs: WheelTimer | undefined = undefined;
  let left = first;
  while (left !== undefined) {
    const right: WheelTimer | undefined = left.next;
    const following: WheelTimer | undefined = right?.next;
    const pair: WheelTimer = right === undefined ? left : meld(left, right);
    // Until the second pass `next` leads to the pair before.
    pair.next = pairs;
    pairs = pair;
    left = following;
  }
  let whole: WheelTimer | undefined = undefined;
  while (pairs !== undefined) {
    const preceding: WheelTimer | undefined = pairs.next;
    whole = meld(whole, pairs);
    pairs = preceding;
  }
  return whole;
}

function detach(timer: WheelTimer): void {
  const { previous, next } = timer;
  if (previous?.child === timer) previous.child = next;
  else if (previous !== undefined) previous.next = next;
  if (next !== undefined) next.previous = previous;
}
