/**
 * Watched: an endpoint of ours with everything that its client was told. Its client echoes, or
 * holds what it receives until the epoch is over.
 */
import type { DisconnectEvent, EndpointHandlers, LifecycleEvent } from '../../../core/api.js';
import type { Endpoint } from '../../../core/endpoint.js';
import type { ReceivedMessage } from '../../../core/message.js';
import type { ReceivedTransaction } from '../../../core/received-transaction.js';
import { Journal } from './journal.js';

export class Watched {
  readonly events: Journal<LifecycleEvent> = new Journal();
  /** Bodies as text, in order of arrival. */
  readonly received: Journal<string> = new Journal();
  readonly heldMessages: ReceivedMessage[] = [];
  readonly heldTransactions: ReceivedTransaction[] = [];
  isHolding = false;
  #endpoint: Endpoint | undefined = undefined;

  readonly handlers: EndpointHandlers = {
    disconnect: () => {
      for (const message of this.heldMessages.splice(0)) message.complete();
      for (const transaction of this.heldTransactions.splice(0)) {
        transaction.complete(new Uint8Array(0));
      }
    },
    message: (message) => {
      this.received.record(Buffer.from(message.body).toString('latin1'));
      if (this.isHolding) this.heldMessages.push(message);
      else message.complete();
    },
    transaction: (transaction) => {
      this.received.record(Buffer.from(transaction.parameters).toString('latin1'));
      if (this.isHolding) this.heldTransactions.push(transaction);
      else transaction.complete(transaction.parameters);
    },
  };

  get endpoint(): Endpoint {
    if (this.#endpoint === undefined) throw new Error('no endpoint yet');
    return this.#endpoint;
  }

  watch(endpoint: Endpoint): this {
    this.#endpoint = endpoint;
    endpoint.lifecycle$.subscribe((event) => {
      this.events.record(event);
    });
    return this;
  }

  get types(): string[] {
    return this.events.entries.map(({ type }) => type);
  }

  disconnected(): Promise<DisconnectEvent> {
    return this.events.first((event) => event.type === 'disconnect');
  }

  /** The fault of the first failed attempt. */
  async attempted(): Promise<string> {
    return (await this.events.first((event) => event.type === 'attempt')).fault;
  }
}
