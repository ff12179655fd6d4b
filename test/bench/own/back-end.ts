/** The far end of our cases: completes every message and answers every transaction. */
import type { Domain, EndpointHandlers, Listener, Quota } from 'idc';

import { workloads, type WorkloadName } from '../workload.js';

/** Of the answer to a request of random length. */
const randomStatusBytes = 64;

export class BackEnd {
  readonly listener: Listener;
  #received = 0;

  /** `more`: what else its endpoints are to be told. */
  constructor(
    domain: Domain,
    address: string,
    workload: WorkloadName,
    quota: Partial<Quota>,
    more: EndpointHandlers = {},
  ) {
    const handlers = { ...more, ...this.#makeHandlers(workload) };
    this.listener = domain.listen(address, () => handlers, { quota });
  }

  /** Messages completed so far. */
  get received(): number {
    return this.#received;
  }

  #makeHandlers(workload: WorkloadName): EndpointHandlers {
    const { shape, itemBytes } = workloads[workload];
    const status = new Uint8Array(itemBytes === 'random' ? randomStatusBytes : itemBytes);
    const answersCount = shape === 'flood';
    return {
      message: (message) => {
        this.#received += 1;
        message.complete();
      },
      // In a flood the one transaction, at its end, asks for the count.
      transaction: (transaction) => {
        transaction.complete(answersCount ? encodeCount(this.#received) : status);
      },
    };
  }
}

export function encodeCount(count: number): Uint8Array {
  return Uint8Array.from(new Uint8Array(Float64Array.of(count).buffer));
}

export function decodeCount(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
}
