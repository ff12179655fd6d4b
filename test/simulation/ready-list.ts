/**
 * ReadyList: the links and listeners of one transport that have something to tell. Each gets one
 * turn in each poll, so that none waits for another (law L9).
 */
import { assert, type TransportHost } from '../../core/contract.js';

export interface TurnTaker {
  /** Tells what is due, at most `limit` frames of it; pushes itself again if more is. */
  turn(limit: number): number;
}

export class ReadyList {
  readonly #host: TransportHost;
  #members = new Set<TurnTaker>();
  #isPolling = false;

  constructor(host: TransportHost) {
    this.#host = host;
  }

  push(member: TurnTaker): void {
    if (this.#members.has(member)) return;
    this.#members.add(member);
    this.#host.wake();
  }

  poll(limit: number): number {
    assert(limit > 0, 'a poll may handle something', 'BAD_ARGUMENT');
    assert(!this.#isPolling, 'poll is not called from inside a sink', 'BAD_ARGUMENT');
    if (this.#members.size === 0) return 0;
    const members = this.#members;
    this.#members = new Set();
    this.#isPolling = true;
    let handled = 0;
    for (const member of members) handled += member.turn(limit);
    this.#isPolling = false;
    return handled;
  }
}
