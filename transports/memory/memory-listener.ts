/**
 * MemoryListener: one occupied name on a network, and the diallers that wait there.
 *
 * Diallers ring at any time; they are answered in the poll of the listener's own transport, which
 * makes the accepting end and joins the two.
 */
import type { Address } from '../../core/address.js';
import { Fault, type Accept, type TransportListener } from '../../core/transport.js';
import { MemoryLink, type LinkSetting } from './memory-link.js';
import type { TurnTaker } from './ready-queue.js';

const ListenerState = {
  /** The name is ours; `listening` is due. */
  Bound: 0,
  /** The name is taken; `failed` is due. */
  Occupied: 1,
  Listening: 2,
  Failed: 3,
  /** `closed` is due. */
  Closing: 4,
  Closed: 5,
} as const;
type ListenerState = (typeof ListenerState)[keyof typeof ListenerState];

export class MemoryListener implements TransportListener, TurnTaker {
  isQueued = false;
  nextQueued: TurnTaker | undefined = undefined;

  readonly #setting: LinkSetting;
  readonly #address: Address;
  readonly #accept: Accept;
  /** Gives the name back to the network. */
  readonly #unbind: (listener: MemoryListener) => void;
  readonly #waiting = new Set<MemoryLink>();
  #state: ListenerState = ListenerState.Occupied;

  constructor(
    setting: LinkSetting,
    address: Address,
    accept: Accept,
    unbind: (listener: MemoryListener) => void,
  ) {
    this.#setting = setting;
    this.#address = address;
    this.#accept = accept;
    this.#unbind = unbind;
  }

  get name(): string {
    return this.#address.authority;
  }

  /** Called once, with the network's answer. */
  start(isBound: boolean): void {
    this.#state = isBound ? ListenerState.Bound : ListenerState.Occupied;
    this.#setting.ready.push(this);
  }

  /** A dialler came; it waits until our transport is polled. */
  ring(dialler: MemoryLink): void {
    this.#waiting.add(dialler);
    this.#setting.ready.push(this);
  }

  /** The dialler does not wait any longer. */
  withdraw(dialler: MemoryLink): void {
    this.#waiting.delete(dialler);
  }

  close(): void {
    if (this.#state >= ListenerState.Closing) return;
    this.#state = ListenerState.Closing;
    this.#unbind(this);
    for (const dialler of this.#waiting) dialler.cut(Fault.Refused);
    this.#waiting.clear();
    this.#setting.ready.push(this);
  }

  turn(limit: number): number {
    switch (this.#state) {
      case ListenerState.Bound:
        this.#state = ListenerState.Listening;
        this.#setting.ready.push(this);
        this.#accept.listening(this.#address);
        return 1;
      case ListenerState.Occupied:
        this.#state = ListenerState.Failed;
        this.#accept.failed(Fault.AddressInUse);
        return 1;
      case ListenerState.Listening:
        return this.#answer(limit);
      case ListenerState.Closing:
        this.#state = ListenerState.Closed;
        this.#accept.closed();
        return 1;
      case ListenerState.Failed:
      case ListenerState.Closed:
        return 0; // Queued in another state; in this one nothing is due.
    }
  }

  /** Answers at most `limit` diallers; those who gave up are not there any more, or not free. */
  #answer(limit: number): number {
    let answered = 0;
    for (const dialler of this.#waiting) {
      if (answered === limit) break;
      this.#waiting.delete(dialler);
      if (!dialler.isDialling) continue;
      answered += 1;
      const link = new MemoryLink(this.#setting, this.name, () => undefined);
      link.join(dialler);
      link.attach(this.#accept.accept(link));
    }
    if (this.#waiting.size > 0) this.#setting.ready.push(this);
    return answered;
  }
}
