/**
 * A session of ours whose two domains live on two threads, each of which is driven by
 * `domain.poll()` in a plain loop of its own. The near end's never yields in a run, unless its
 * transport needs the event loop.
 */
import { Refusal, type Completion, type Domain, type Endpoint, type ErrorCode } from 'idc';

import type { Durations } from '../durations.js';
import type { Payloads } from '../payloads.js';
import type { Session } from '../session.js';
import { decodeCount } from './back-end.js';
import { expectOk, expectTaken, submitUntilRefused } from './front-end.js';

const noBytes = new Uint8Array(0);

export interface RemotePollOptions {
  readonly note: string;
  readonly domain: Domain;
  readonly endpoint: Endpoint;
  /** After so many polls the event loop turns once; Infinity if it never does. */
  readonly pollsPerTurn: number;
  readonly close: () => Promise<void>;
}

export class RemotePollSession implements Session {
  readonly note: string;
  readonly #domain: Domain;
  readonly #endpoint: Endpoint;
  readonly #pollsPerTurn: number;
  readonly #close: () => Promise<void>;
  readonly #settled = new Settled();
  #sent = 0;
  #polls = 0;

  constructor(options: RemotePollOptions) {
    this.note = options.note;
    this.#domain = options.domain;
    this.#endpoint = options.endpoint;
    this.#pollsPerTurn = options.pollsPerTurn;
    this.#close = options.close;
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    const sentBefore = this.#sent;
    while (performance.now() < endMs) {
      this.#sent += submitUntilRefused(this.#endpoint, payloads);
      this.#poll();
      if (this.#polls >= this.#pollsPerTurn) await this.#turnEventLoop();
    }
    // Requests are handled in the order of submission, so this one finds all messages handled.
    this.#callRoundTrip(noBytes, settleCount);
    const { received } = this.#settled;
    if (received !== this.#sent) throw new Error(`${this.#sent} sent, ${received} received`);
    return this.#sent - sentBefore;
  }

  async roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    let startMs = performance.now();
    const endMs = startMs + durationMs;
    while (startMs < endMs) {
      this.#callRoundTrip(payloads.next());
      const nowMs = performance.now();
      durations.add(nowMs - startMs);
      startMs = nowMs;
      if (this.#polls < this.#pollsPerTurn) continue;
      await this.#turnEventLoop();
      startMs = performance.now();
    }
  }

  #callRoundTrip(body: Uint8Array, completion: Completion<Settled> = settle): void {
    const before = this.#settled.count;
    let ticket = this.#endpoint.transact(body, completion, this.#settled);
    // The messages of a flood may still fill the ring.
    while (ticket === Refusal.BackPressured) {
      this.#poll();
      ticket = this.#endpoint.transact(body, completion, this.#settled);
    }
    expectTaken(ticket);
    while (this.#settled.count === before) this.#poll();
  }

  #poll(): void {
    this.#polls += 1;
    this.#domain.poll();
  }

  async #turnEventLoop(): Promise<void> {
    this.#polls = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** The context of a completion: no closure per transaction. */
class Settled {
  count = 0;
  /** What the far end last said that it had received. */
  received = 0;
}

function settle(settled: Settled, code: ErrorCode): void {
  expectOk(code);
  settled.count += 1;
}

const settleCount: Completion<Settled> = (settled, code, _execution, bytes, offset, byteLength) => {
  settle(settled, code);
  settled.received = decodeCount(bytes.subarray(offset, offset + byteLength));
};
