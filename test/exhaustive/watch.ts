/**
 * Watch: one endpoint as the judge and the explorer see it: where it is in the grammar, what its
 * client holds, and what it submitted.
 */
import type { Endpoint, Execution } from '../../core/index.js';
import type { Side } from './step-link.js';

export type Phase = 'absent' | 'appeared' | 'connected' | 'destroyed';

/** One submission, tagged with where and when it was made. */
export interface Item {
  readonly id: number;
  readonly kind: 'message' | 'transaction';
  readonly from: Watch;
  readonly epoch: number;
  /** Counted over the epoch's requests, from 1. */
  readonly ordinal: number;
  isHandled: boolean;
  isCompleted: boolean;
  /** How it ended; undefined until it did. */
  execution: Execution | undefined;
}

/** A received item that its handler has not completed. */
export interface Received {
  readonly item: Item;
  complete(): void;
}

/**
 * What a disconnect handler answers: a promise that settles when the explorer chooses. It calls
 * back at once, so that no step waits for a turn of the real event loop.
 */
export class HeldDrain implements PromiseLike<void> {
  #release: () => void = () => undefined;

  then<A = void, B = never>(
    fulfilled?: ((value: undefined) => A | PromiseLike<A>) | null,
  ): PromiseLike<A | B> {
    this.#release = () => void fulfilled?.(undefined);
    // reason: core takes any thenable and chains nothing to this one
    return this as unknown as PromiseLike<A | B>;
  }

  release(): void {
    this.#release();
  }
}

export class Watch {
  readonly endpoint: Endpoint;
  readonly side: Side;
  /** Of the domain that it belongs to. */
  readonly incarnation: string;
  readonly name: string;
  phase: Phase = 'absent';
  /** The epoch that is open, or was last. */
  epoch = 0;
  /** On which link each epoch was opened. */
  readonly links: Map<number, number> = new Map<number, number>();
  /**
   * At the listener: on which link a dialler of whatever incarnation opened each epoch with it, the
   * half ones included. Such a number is never given to another link.
   */
  readonly dialled: Map<number, number> = new Map<number, number>();
  readonly drains: HeldDrain[] = [];
  readonly received: Received[] = [];
  /** What was submitted in the epoch that is open, or was last. */
  submitted: Item[] = [];

  constructor(endpoint: Endpoint, side: Side, incarnation: string, name: string) {
    this.endpoint = endpoint;
    this.side = side;
    this.incarnation = incarnation;
    this.name = name;
  }

  /** The oldest epoch of which something is still open at this end; Infinity if nothing is. */
  get oldestOpenEpoch(): number {
    let oldest = this.drains.length > 0 ? this.epoch : Infinity;
    for (const { item } of this.received) oldest = Math.min(oldest, item.epoch);
    for (const item of this.submitted) {
      if (item.execution === undefined) oldest = Math.min(oldest, item.epoch);
    }
    return oldest;
  }

  hasSubmitted(kind: Item['kind']): boolean {
    return this.submitted.some((item) => item.kind === kind);
  }

  /** The last of this epoch's requests that a handler of the peer was given. */
  get handledThrough(): number {
    return this.submitted.reduce(
      (last, { isHandled, ordinal }) => (isHandled ? Math.max(last, ordinal) : last),
      0,
    );
  }
}
