/** The far end of our cases: completes every message and answers every transaction. */
import type { Domain, EndpointHandlers, Listener, Quota } from 'idc';

import { workloads, type WorkloadName } from '../workload.js';

/** Of every answer to a round trip: as long as a fixed request. */
const statusBytes = 64;

export class BackEnd {
  readonly listener: Listener;
  #received = 0;

  constructor(domain: Domain, address: string, workload: WorkloadName, quota: Partial<Quota>) {
    const handlers = this.#makeHandlers(workload);
    this.listener = domain.listen(address, () => handlers, { quota });
  }

  /** Messages completed so far. */
  get received(): number {
    return this.#received;
  }

  #makeHandlers(workload: WorkloadName): EndpointHandlers {
    const status = new Uint8Array(statusBytes);
    const answersCount = workloads[workload].shape === 'flood';
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
