/** A session of ours whose domains are driven by the event loop, as most programs have it. */
import type { Endpoint, ErrorCode, WritableRequest } from 'idc';

import type { Durations } from '../durations.js';
import type { Payloads } from '../payloads.js';
import { PingPong } from '../ping-pong.js';
import type { Session } from '../session.js';
import { decodeCount } from './back-end.js';
import { expectOk, expectTaken, submitUntilRefused } from './front-end.js';

const noBytes = new Uint8Array(0);

export interface EventLoopOptions {
  readonly note: string;
  readonly endpoint: Endpoint;
  readonly itemBytesMax: number;
  /** The form of transactions. */
  readonly form: 'callback' | 'promise';
  readonly close: () => Promise<void>;
}

export class EventLoopSession implements Session {
  readonly note: string;
  readonly #endpoint: Endpoint;
  readonly #room: WritableRequest;
  readonly #form: 'callback' | 'promise';
  readonly #pingPong: PingPong;
  readonly #close: () => Promise<void>;
  #sent = 0;

  constructor(options: EventLoopOptions) {
    this.note = options.note;
    this.#endpoint = options.endpoint;
    this.#room = { kind: 'message', byteLength: options.itemBytesMax };
    this.#form = options.form;
    this.#close = options.close;
    this.#pingPong = new PingPong((body) => {
      expectTaken(this.#endpoint.transact(body, answered, this.#pingPong));
    });
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    const sentBefore = this.#sent;
    while (performance.now() < endMs) {
      this.#sent += submitUntilRefused(this.#endpoint, payloads);
      await this.#endpoint.whenWritable(this.#room);
    }
    await this.#endpoint.whenFlushed();
    const received = decodeCount(await this.#endpoint.submitTransaction(noBytes));
    if (received !== this.#sent) throw new Error(`${this.#sent} sent, ${received} received`);
    return this.#sent - sentBefore;
  }

  roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    return this.#form === 'callback'
      ? this.#pingPong.roundTrips(payloads, durations, durationMs)
      : this.#awaitRoundTrips(payloads, durations, durationMs);
  }

  async #awaitRoundTrips(
    payloads: Payloads,
    durations: Durations,
    durationMs: number,
  ): Promise<void> {
    let startMs = performance.now();
    const endMs = startMs + durationMs;
    while (startMs < endMs) {
      await this.#endpoint.submitTransaction(payloads.next());
      const nowMs = performance.now();
      durations.add(nowMs - startMs);
      startMs = nowMs;
    }
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function answered(pingPong: PingPong, code: ErrorCode): void {
  expectOk(code);
  pingPong.answered();
}
