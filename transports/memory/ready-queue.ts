/**
 * ReadyQueue: the links and listeners of one transport that have something to do.
 *
 * Whoever gives one of them something to do pushes it; `poll` gives each one turn, in order, so
 * that none waits for another (law L9). The queue is threaded through its members and allocates
 * nothing. A member is queued at most once, and the host is woken only when it becomes so.
 */
import { assert } from '../../core/assert.js';
import type { TransportHost } from '../../core/transport.js';

/** A member. Its two fields belong to the queue. */
export interface TurnTaker {
  isQueued: boolean;
  nextQueued: TurnTaker | undefined;
  /** Does what is due, at most `limit` frames of it; pushes itself again if more is due. */
  turn(limit: number): number;
}

export class ReadyQueue {
  readonly #host: TransportHost;
  #first: TurnTaker | undefined;
  #last: TurnTaker | undefined;
  #isPolling = false;

  constructor(host: TransportHost) {
    this.#host = host;
  }

  // HOT:
  push(member: TurnTaker): void {
    if (member.isQueued) return;
    member.isQueued = true;
    if (this.#last === undefined) this.#first = member;
    else this.#last.nextQueued = member;
    this.#last = member;
    this.#host.wake();
  }

  /** One turn for everyone who is queued now; who is pushed meanwhile waits for the next poll. */
  // HOT:
  poll(limit: number): number {
    assert(limit > 0, 'a poll may handle something', 'BAD_ARGUMENT');
    assert(!this.#isPolling, 'poll is not called from inside a sink', 'BAD_ARGUMENT');
    this.#isPolling = true;
    const last = this.#last;
    let handled = 0;
    let member = last === undefined ? undefined : this.#shift();
    while (member !== undefined) {
      handled += member.turn(limit);
      member = member === last ? undefined : this.#shift();
    }
    this.#isPolling = false;
    return handled;
  }

  #shift(): TurnTaker | undefined {
    const member = this.#first;
    if (member === undefined) return undefined;
    this.#first = member.nextQueued;
    if (this.#first === undefined) this.#last = undefined;
    member.nextQueued = undefined;
    member.isQueued = false;
    return member;
  }
}
