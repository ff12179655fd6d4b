/** SimulatedListener: one taken name on a simulated network, and the diallers that wait there. */
import { Fault, type Accept, type Address, type TransportListener } from '../../core/contract.js';
import type { TurnTaker } from './ready-list.js';
import { SimulatedLink } from './simulated-link.js';
import type { LinkSetting } from './simulated-network.js';

const State = {
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
type State = (typeof State)[keyof typeof State];

export class SimulatedListener implements TransportListener, TurnTaker {
  readonly setting: LinkSetting;
  readonly #address: Address;
  readonly #accept: Accept;
  /** A setting for one accepted link. */
  readonly #drawSetting: () => LinkSetting;
  readonly #waiting = new Set<SimulatedLink>();
  #state: State = State.Occupied;

  constructor(
    setting: LinkSetting,
    address: Address,
    accept: Accept,
    drawSetting: () => LinkSetting,
  ) {
    this.setting = setting;
    this.#address = address;
    this.#accept = accept;
    this.#drawSetting = drawSetting;
  }

  get name(): string {
    return this.#address.authority;
  }

  start(isBound: boolean): void {
    this.#state = isBound ? State.Bound : State.Occupied;
    this.setting.ready.push(this);
  }

  ring(dialler: SimulatedLink): void {
    this.#waiting.add(dialler);
    this.setting.ready.push(this);
  }

  withdraw(dialler: SimulatedLink): void {
    this.#waiting.delete(dialler);
  }

  close(): void {
    if (this.#state >= State.Closing) return;
    this.#state = State.Closing;
    this.setting.network.unbind(this);
    for (const dialler of this.#waiting) {
      dialler.after(dialler.setting.delayMs, () => dialler.fail(Fault.Refused));
    }
    this.#waiting.clear();
    this.setting.ready.push(this);
  }

  turn(limit: number): number {
    switch (this.#state) {
      case State.Bound:
        this.#state = State.Listening;
        this.setting.ready.push(this);
        this.#accept.listening(this.#address);
        return 1;
      case State.Occupied:
        this.#state = State.Failed;
        this.#accept.failed(Fault.AddressInUse);
        return 1;
      case State.Listening:
        return this.#answer(limit);
      case State.Closing:
        this.#state = State.Closed;
        this.#accept.closed();
        return 1;
      case State.Failed:
      case State.Closed:
        return 0; // Pushed in another state; in this one nothing is due.
    }
  }

  #answer(limit: number): number {
    let answered = 0;
    for (const dialler of this.#waiting) {
      if (answered === limit) break;
      this.#waiting.delete(dialler);
      if (!dialler.isDialling) continue;
      answered += 1;
      const link = new SimulatedLink(this.#drawSetting(), this.name);
      this.setting.network.add(link);
      link.join(dialler);
      link.attach(this.#accept.accept(link));
    }
    if (this.#waiting.size > 0) this.setting.ready.push(this);
    return answered;
  }
}
