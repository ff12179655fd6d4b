/** Transfers to or from one buffer of the far end, as many under way as the plan says. */
import type { Domain, RemoteBufferReference } from 'idc';

import type { Payloads } from '../payloads.js';
import type { Session } from '../session.js';
import type { TransferMode, TransferPlan } from './transfer-plan.js';

/** Transfers between two looks at the clock, which takes longer than a small copy in map mode. */
const transfersPerLook: Readonly<Record<TransferMode, number>> = { copy: 1, map: 16 };

export interface TransferSessionOptions {
  readonly domain: Domain;
  readonly reference: RemoteBufferReference;
  readonly plan: TransferPlan;
  readonly mode: TransferMode;
  readonly close: () => Promise<void>;
}

export class TransferSession implements Session {
  readonly note: string;
  readonly #options: TransferSessionOptions;
  /** Marsaglia's xorshift32, so that every run reads the same places. */
  #word = 0x1dc;

  constructor(options: TransferSessionOptions) {
    const { mode, plan } = options;
    this.#options = options;
    this.note = `mode ${mode}, ${plan.outstanding[mode]} outstanding, each awaited`;
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const { plan, mode } = this.#options;
    const endMs = performance.now() + durationMs;
    const lines = Array.from({ length: plan.outstanding[mode] }, () =>
      plan.kind === 'write' ? this.#write(payloads, endMs) : this.#read(payloads, endMs),
    );
    const counts = await Promise.all(lines);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  roundTrips(): Promise<void> {
    return Promise.reject(new Error('transfers are not answered at length'));
  }

  close(): Promise<void> {
    return this.#options.close();
  }

  async #write(payloads: Payloads, endMs: number): Promise<number> {
    const { domain, reference, mode } = this.#options;
    const perLook = transfersPerLook[mode];
    let count = 0;
    while (performance.now() < endMs) {
      for (let turn = 0; turn < perLook; turn += 1) {
        await domain.sendToRemoteBuffer(reference, payloads.next());
      }
      count += perLook;
    }
    return count;
  }

  async #read(payloads: Payloads, endMs: number): Promise<number> {
    const { domain, reference } = this.#options;
    let count = 0;
    while (performance.now() < endMs) {
      const bytes = payloads.next();
      const places = reference.byteLength / bytes.byteLength;
      const offset = (this.#nextWord() % places) * bytes.byteLength;
      await domain.receiveFromRemoteBuffer(reference, bytes, { offset });
      count += 1;
    }
    return count;
  }

  #nextWord(): number {
    let word = this.#word;
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    this.#word = word;
    return word >>> 0;
  }
}
