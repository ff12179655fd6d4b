/**
 * Requests whose data goes by a buffer that is registered for it: register, ask the far end, which
 * reads all of it, unregister. One at a time, and all three are timed together.
 */
import type { Domain, Endpoint } from 'idc';

import type { Durations } from '../durations.js';
import type { Payloads } from '../payloads.js';
import type { Session } from '../session.js';
import { Wish } from './far-end.js';
import type { TransferMode } from './transfer-plan.js';

export class LendingSession implements Session {
  readonly note: string;
  readonly #domain: Domain;
  readonly #endpoint: Endpoint;
  readonly #mode: TransferMode;
  readonly #close: () => Promise<void>;
  #buffer: Uint8Array = new Uint8Array(0);

  constructor(domain: Domain, endpoint: Endpoint, mode: TransferMode, close: () => Promise<void>) {
    this.note = `mode ${mode}, one request at a time, wait adaptive`;
    this.#domain = domain;
    this.#endpoint = endpoint;
    this.#mode = mode;
    this.#close = close;
  }

  flood(): Promise<number> {
    return Promise.reject(new Error('each request is answered'));
  }

  async roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    const { byteLength } = payloads.next();
    if (this.#buffer.byteLength !== byteLength) {
      this.#buffer = this.#domain.allocateBuffer(byteLength, { shared: this.#mode === 'map' });
    }
    let startMs = performance.now();
    const endMs = startMs + durationMs;
    while (startMs < endMs) {
      await this.#request();
      const nowMs = performance.now();
      durations.add(nowMs - startMs);
      startMs = nowMs;
    }
  }

  async #request(): Promise<void> {
    const mode = this.#mode;
    const registered = this.#domain.registerBuffer(this.#buffer, { access: 'read', mode });
    if (registered.mode !== mode) throw new Error(`the buffer is served by ${registered.mode}`);
    const reference = registered.reference.encode();
    await this.#endpoint.submitTransaction([Uint8Array.of(Wish.Read), reference]);
    await registered.unregister();
  }

  close(): Promise<void> {
    return this.#close();
  }
}
