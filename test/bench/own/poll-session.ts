/**
 * A session of ours whose two domains live on one thread and are driven by `domain.poll()` in a
 * plain loop, which never yields in a run but to settle promises.
 */
import type { Domain, Endpoint, ErrorCode } from 'idc';

import type { Durations } from '../durations.js';
import type { Payloads } from '../payloads.js';
import type { Session } from '../session.js';
import type { BackEnd } from './back-end.js';
import { expectOk, expectTaken, submitUntilRefused } from './front-end.js';

export interface PollOptions {
  readonly note: string;
  readonly front: Domain;
  readonly back: Domain;
  readonly endpoint: Endpoint;
  readonly backEnd: BackEnd;
  /** The form of transactions. */
  readonly form: 'callback' | 'promise';
}

export class PollSession implements Session {
  readonly note: string;
  readonly #front: Domain;
  readonly #back: Domain;
  readonly #endpoint: Endpoint;
  readonly #backEnd: BackEnd;
  readonly #form: 'callback' | 'promise';
  #sent = 0;
  readonly #settled = new Settled();

  constructor(options: PollOptions) {
    this.note = options.note;
    this.#front = options.front;
    this.#back = options.back;
    this.#endpoint = options.endpoint;
    this.#backEnd = options.backEnd;
    this.#form = options.form;
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    const sentBefore = this.#sent;
    while (performance.now() < endMs) {
      this.#sent += submitUntilRefused(this.#endpoint, payloads);
      this.#poll();
    }
    while (this.#backEnd.received < this.#sent) this.#poll();
    this.#poll();
    await this.#endpoint.whenFlushed();
    return this.#sent - sentBefore;
  }

  async roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    let startMs = performance.now();
    const endMs = startMs + durationMs;
    while (startMs < endMs) {
      if (this.#form === 'callback') this.#callRoundTrip(payloads.next());
      else await this.#promiseRoundTrip(payloads.next());
      const nowMs = performance.now();
      durations.add(nowMs - startMs);
      startMs = nowMs;
    }
  }

  #callRoundTrip(body: Uint8Array): void {
    const before = this.#settled.count;
    expectTaken(this.#endpoint.transact(body, settle, this.#settled));
    while (this.#settled.count === before) this.#poll();
  }

  async #promiseRoundTrip(body: Uint8Array): Promise<void> {
    const status = this.#endpoint.submitTransaction(body);
    this.#poll();
    this.#poll();
    await status;
  }

  #poll(): void {
    this.#back.poll();
    this.#front.poll();
  }

  async close(): Promise<void> {
    await this.#front.close();
    await this.#back.close();
  }
}

/** The context of a completion: no closure per transaction. */
class Settled {
  count = 0;
}

function settle(settled: Settled, code: ErrorCode): void {
  expectOk(code);
  settled.count += 1;
}
