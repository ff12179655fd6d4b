/**
 * Victim: a domain with a listener, whose clients hold every peer to the promises of the API: what
 * a client is shown is of legal size, and stays as it is while the client may look at it.
 */
import assert from 'node:assert/strict';

import {
  createDomain,
  type Domain,
  type Endpoint,
  type EndpointHandlers,
  type Quota,
  type TimeLimits,
} from 'idc';

import { ring } from '../../../transports/ring/index.js';

export interface HostileOptions {
  readonly address: string;
  readonly task: 'structured' | 'random' | 'raw';
  /** Words to change. */
  readonly count: number;
  readonly seed: number;
}

export const ringBytes: number = 16 * 1024;
/** The largest items take several frames. */
export const quota: Quota = {
  messages: 16,
  messageBytes: 10_000,
  transactions: 8,
  parameterBytes: 9000,
  statusBytes: 8000,
};
export const limits: Partial<TimeLimits> = {
  handshakeMs: 1000,
  lingerMs: 50,
  keepAliveMs: 5000,
  flushMs: 100,
  drainMs: 2000,
  timeoutMs: 1000,
};
/** Looks at what must not change, in one call. */
const looks = 20;
/** Submitted to each peer at once. */
const requestsPerPeer = 4;

function sumOf(bytes: Uint8Array): number {
  let hash = 7;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return hash;
}

/** What is heard of those that may be hostile. */
export class Victim {
  readonly domain: Domain;
  readonly reasons: Map<string, number> = new Map<string, number>();
  messageCount = 0;
  transactionCount = 0;
  statusCount = 0;

  constructor() {
    const transports = [ring({ ringBytes })];
    this.domain = createDomain({ name: 'victim', transports, quota, limits });
  }

  /** For one peer; items are held for a while, and looked at again before they are completed. */
  readonly handlers: EndpointHandlers = {
    connect: (endpoint) => {
      this.#request(endpoint);
    },
    disconnect: (_endpoint, { reason }) => {
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    },
    message: (message) => {
      this.messageCount += 1;
      const { body } = message;
      assert.ok(body.length <= quota.messageBytes);
      const sum = sumOf(body);
      setImmediate(() => {
        assert.equal(sumOf(body), sum, 'a message stays as it was shown');
        message.complete();
      });
    },
    transaction: (transaction) => {
      this.transactionCount += 1;
      const { parameters } = transaction;
      assert.ok(parameters.length <= quota.parameterBytes);
      const sum = sumOf(parameters);
      setImmediate(() => {
        assert.equal(sumOf(parameters), sum, 'parameters stay as they were shown');
        transaction.complete(parameters.subarray(0, Math.min(parameters.length, 100)));
      });
    },
  };

  #request(endpoint: Endpoint): void {
    const ask = (): void => {
      endpoint.transact(
        Uint8Array.of(1, 2, 3),
        (_context, code, _execution, bytes, offset, byteLength) => {
          if (code !== 'OK') return;
          this.statusCount += 1;
          assert.ok(byteLength <= quota.statusBytes);
          const status = bytes.subarray(offset, offset + byteLength);
          const sum = sumOf(status);
          for (let look = 0; look < looks; look++) {
            assert.equal(sumOf(status), sum, 'a status stays as it was shown');
          }
          setImmediate(ask);
        },
        undefined,
        limits.timeoutMs ?? 0,
      );
    };
    for (let count = 0; count < requestsPerPeer; count++) ask();
  }
}

/** A legal peer of the same listener, which has its words echoed all the time. */
export class Bystander {
  servedCount = 0;
  longestMs = 0;
  readonly #domain: Domain;
  readonly #endpoint: Endpoint;
  #isOver = false;
  #talk: Promise<void> = Promise.resolve();

  constructor(address: string) {
    const transports = [ring({ ringBytes })];
    this.#domain = createDomain({ name: 'bystander', transports, quota, limits });
    this.#endpoint = this.#domain.createEndpoint(address, {
      connect: (endpoint) => {
        this.#talk = this.#keepTalking(endpoint);
      },
      disconnect: (_endpoint, { reason }) => {
        assert.ok(this.#isOver, `the bystander was disconnected: ${reason}`);
      },
    });
  }

  async close(): Promise<void> {
    this.#isOver = true;
    // What it has asked is answered before it leaves.
    await this.#talk;
    await this.#endpoint.destroy();
    await this.#domain.close();
  }

  async #keepTalking(endpoint: Endpoint): Promise<void> {
    while (!this.#isOver) {
      const number = this.servedCount + 1;
      const bytes = new Uint8Array(1 + (number % 100)).fill(number);
      const startMs = performance.now();
      const status = await endpoint.submitTransaction(bytes, { timeoutMs: 20_000 });
      this.longestMs = Math.max(this.longestMs, performance.now() - startMs);
      assert.deepEqual(status, bytes, 'the bystander gets its own bytes');
      this.servedCount = number;
      // It is there to be served at any time, not to take the processor.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}
