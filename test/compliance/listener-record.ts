/** ListenerRecord: a listener as the suite sees it, guarded and recording. */
import type { Accept, Address, Fault, Link, TransportListener } from '../../core/contract.js';
import { End } from './end.js';
import type { Monitor } from './monitor.js';

export class ListenerRecord implements Accept {
  /** The accepted ends, in order. */
  readonly ends: End[] = [];
  address: Address | undefined = undefined;
  fault: Fault | undefined = undefined;
  closedCount = 0;

  /** What the client does with a new end before `accept` returns. */
  onAccept: (end: End) => void = () => undefined;

  readonly #monitor: Monitor;
  #listener: TransportListener | undefined = undefined;
  #isCloseCalled = false;

  constructor(monitor: Monitor) {
    this.#monitor = monitor;
  }

  attach(listener: TransportListener): void {
    this.#listener = listener;
  }

  close(): void {
    this.#isCloseCalled = true;
    this.#monitor.call('listener.close', () => this.#listener?.close());
  }

  listening(address: Address): void {
    this.#monitor.told('listener', 'listening', () => {
      this.#monitor.expect(this.address === undefined, 'L1 listening is told once');
      this.#monitor.expect(this.fault === undefined, 'L1 a failed listener does not listen');
      this.#monitor.expect(!this.#isCloseCalled, 'L1 no listening after close');
      this.address = address;
    });
  }

  failed(fault: Fault): void {
    this.#monitor.told('listener', 'failed', () => {
      this.#monitor.expect(this.fault === undefined, 'L1 failed is told once');
      this.#monitor.expect(this.closedCount === 0, 'L1 nothing after closed');
      this.fault = fault;
    });
  }

  accept(link: Link): End {
    const end = new End(`accepted ${String(this.ends.length)}`, this.#monitor);
    this.#monitor.told('listener', 'accept', () => {
      this.#monitor.expect(this.address !== undefined, 'L1 listening comes before accept');
      this.#monitor.expect(this.closedCount === 0, 'L1 nothing after closed');
      this.ends.push(end);
      end.attach(link);
      this.onAccept(end);
    });
    return end;
  }

  closed(): void {
    this.#monitor.told('listener', 'closed', () => {
      this.#monitor.expect(this.#isCloseCalled, 'L1 no closed before close');
      this.#monitor.expect(this.closedCount === 0, 'L1 one closed');
      this.closedCount += 1;
    });
  }
}
