/** Flood: an endpoint's client that sends records as fast as it may, and checks those that come. */
import type { DisconnectEvent, Endpoint, EndpointHandlers, ReceivedMessage } from 'idc';

import { createRandom, type Random } from '../compliance/random.js';
import { Quiet } from '../process/quiet.js';
import { makeRecord, numberOfRecord } from './transport-record.js';

export class Flood {
  /** Of the present epoch, or the last one. */
  receivedCount = 0;
  connectCount = 0;
  readonly disconnects: DisconnectEvent[] = [];
  /** Told of every event. */
  readonly quiet: Quiet = new Quiet();
  readonly #random: Random;
  #isConnected = false;
  #record: Uint8Array | undefined = undefined;
  #sentCount = 0;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  readonly handlers: EndpointHandlers = {
    connect: (endpoint) => {
      this.connectCount += 1;
      this.receivedCount = 0;
      this.#sentCount = 0;
      this.#record = undefined;
      this.#isConnected = true;
      this.quiet.changed();
      void this.#keepOn(endpoint);
    },
    disconnect: (_endpoint, event) => {
      this.#isConnected = false;
      this.disconnects.push(event);
      this.quiet.changed();
    },
    message: (message) => {
      this.#take(message);
    },
  };

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Sends until something is refused. */
  send(endpoint: Endpoint): void {
    while (this.#isConnected) {
      this.#record ??= makeRecord(this.#random, this.#sentCount + 1);
      if (endpoint.submitMessage(this.#record) < 0) return;
      this.#sentCount += 1;
      this.#record = undefined;
    }
  }

  async #keepOn(endpoint: Endpoint): Promise<void> {
    const epoch = this.connectCount;
    const isOurs = (): boolean => this.#isConnected && this.connectCount === epoch;
    while (isOurs()) {
      this.send(endpoint);
      const byteLength = this.#record?.length ?? 0;
      try {
        await endpoint.whenWritable({ kind: 'message', byteLength });
      } catch {
        return; // The epoch is over.
      }
    }
  }

  #take(message: ReceivedMessage): void {
    const number = numberOfRecord(message.body);
    this.receivedCount += 1;
    if (number !== this.receivedCount) {
      throw new Error(`record ${number} came as number ${this.receivedCount}`);
    }
    message.complete();
    this.quiet.changed();
  }
}
