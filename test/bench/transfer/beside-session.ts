/** Round trips while this side sends 1 GiB to a buffer of the same far end, time and again. */
import { IdcError, type Domain, type Endpoint, type RemoteBufferReference } from 'idc';

import type { Durations } from '../durations.js';
import { expectOk, expectTaken } from '../own/front-end.js';
import type { Payloads } from '../payloads.js';
import { PingPong } from '../ping-pong.js';
import type { Session } from '../session.js';
import { bulkParts } from './bulk.js';

export class BesideSession implements Session {
  readonly note = 'wait adaptive, both ends busy with a transfer of 1 GiB';
  readonly #domain: Domain;
  readonly #reference: RemoteBufferReference;
  readonly #close: () => Promise<void>;
  readonly #parts = bulkParts();
  readonly #pingPong: PingPong;
  movedBytes = 0;

  constructor(
    domain: Domain,
    endpoint: Endpoint,
    reference: RemoteBufferReference,
    close: () => Promise<void>,
  ) {
    this.#domain = domain;
    this.#reference = reference;
    this.#close = close;
    this.#pingPong = new PingPong((body) => {
      expectTaken(
        endpoint.transact(
          body,
          (pingPong: PingPong, code) => {
            expectOk(code);
            pingPong.answered();
          },
          this.#pingPong,
        ),
      );
    });
  }

  flood(): Promise<number> {
    return Promise.reject(new Error('each request is answered'));
  }

  async roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    const abort = new AbortController();
    let transfers: Promise<void> = Promise.resolve();
    const begun = new Promise<void>((resolve) => {
      transfers = this.#transferUntil(abort.signal, resolve);
    });
    // The first bytes wait until there is a way for them.
    await Promise.race([begun, transfers]);
    await this.#pingPong.roundTrips(payloads, durations, durationMs);
    abort.abort();
    await transfers;
  }

  async #transferUntil(signal: AbortSignal, onProgress: () => void): Promise<void> {
    let doneBytes = 0;
    const note = (byteCount: number): void => {
      this.movedBytes += byteCount - doneBytes;
      doneBytes = byteCount;
      onProgress();
    };
    const options = { signal, onProgress: note, timeoutMs: Infinity };
    try {
      for (;;) {
        doneBytes = 0;
        await this.#domain.sendToRemoteBuffer(this.#reference, this.#parts, options);
      }
    } catch (error) {
      if (!(error instanceof IdcError) || error.code !== 'CANCELLED') throw error;
    }
  }

  close(): Promise<void> {
    return this.#close();
  }
}
