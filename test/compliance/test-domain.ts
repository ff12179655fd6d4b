/**
 * TestDomain: a domain reduced to what a transport sees of it: a host that polls when woken.
 *
 * It polls for no other reason, so a transport that forgets to wake it stands still and is found.
 * A paused domain does not poll at all, as one whose thread is busy or stopped.
 */
import {
  makeAddress,
  type Address,
  type Runtime,
  type Transport,
  type TransportFactory,
} from '../../core/contract.js';
import { End } from './end.js';
import { ListenerRecord } from './listener-record.js';
import type { Monitor } from './monitor.js';

/** Small, so that one poll is rarely enough. */
const framesPerPollMax = 16;

export class TestDomain {
  readonly transport: Transport;
  readonly ends: End[] = [];
  readonly listeners: ListenerRecord[] = [];
  wakeCount = 0;
  readonly #runtime: Runtime;
  readonly #monitor: Monitor;
  #isPollDue = false;
  #isPaused = false;

  constructor(factory: TransportFactory, runtime: Runtime, monitor: Monitor) {
    this.#runtime = runtime;
    this.#monitor = monitor;
    const wake = (): void => {
      this.#wake();
    };
    this.transport = factory.create({ runtime, wake });
  }

  open(address: Address): End {
    const end = new End(`dialler ${String(this.ends.length)}`, this.#monitor);
    this.ends.push(end);
    end.attach(this.#monitor.call('open', () => this.transport.open(address, end, 'message')));
    return end;
  }

  listen(address: Address): ListenerRecord {
    const record = new ListenerRecord(this.#monitor);
    this.listeners.push(record);
    record.attach(this.#monitor.call('listen', () => this.transport.listen(address, record)));
    return record;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#isPollDue) this.#schedule();
  }

  /** Polls now, paused or not. Nothing that a transport meets may make it throw. */
  poll(limit: number): number {
    try {
      const handled = this.transport.poll(limit);
      this.#monitor.expect(Number.isInteger(handled) && handled >= 0, 'poll counts events');
      return handled;
    } catch (error) {
      this.#monitor.breach(error);
      return 0;
    }
  }

  #wake(): void {
    this.wakeCount += 1;
    if (this.#isPollDue) return;
    this.#isPollDue = true;
    if (!this.#isPaused) this.#schedule();
  }

  #schedule(): void {
    this.#runtime.scheduler.soon(() => {
      if (this.#isPaused) return;
      this.#isPollDue = false;
      this.poll(framesPerPollMax);
      this.#park();
    });
  }

  /** A transport that is not parked need not wake anybody. */
  #park(): void {
    if (this.#isPollDue) return;
    if (!this.#monitor.call('park', () => this.transport.park())) this.#wake();
  }
}

/** The listening address with a service that the transport must not care about. */
export function withService(address: Address, service: string): Address {
  return makeAddress(address.scheme, address.authority, service);
}
