/**
 * Peer `memmove`: bytes copied between two buffers of one process by `TypedArray.set`, which is
 * what the machine's memory gives at best from Node. The copies rotate as the transfers beside
 * them do: many sources, one target.
 */
import type { Payloads } from '../payloads.js';
import type { Session, Subject } from '../session.js';
import { itemBytesMax } from '../workload.js';

/** Copies between two looks at the clock, as beside. */
const copiesPerLook = 16;

class CopySession implements Session {
  readonly note = 'TypedArray.set within one process, nothing awaited';
  readonly #target: Uint8Array;

  constructor(byteLength: number) {
    this.#target = new Uint8Array(byteLength);
  }

  flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let count = 0;
    while (performance.now() < endMs) {
      for (let turn = 0; turn < copiesPerLook; turn += 1) this.#target.set(payloads.next());
      count += copiesPerLook;
    }
    return Promise.resolve(count);
  }

  roundTrips(): Promise<void> {
    return Promise.reject(new Error('nobody answers'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export const memmove: Subject = {
  open: ({ workload }) => Promise.resolve(new CopySession(itemBytesMax(workload))),
  serve: () => Promise.reject(new Error('there is one end only')),
};
