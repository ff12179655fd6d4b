/** Calls that are illegal at their time or with their arguments. */
import { clientWith, leaverWith, type Mistakes } from './mistake.js';

const parameters = new Uint8Array(4);

function keep(_bytes: Uint8Array): void {
  // To read them was the mistake.
}

export const callMistakes: Mistakes = {
  'message completed twice': clientWith({
    message: (message) => {
      message.complete();
      message.complete();
    },
  }),
  'message completed again later': clientWith({
    message: (message) => {
      message.complete();
      setImmediate(() => {
        message.complete();
      });
    },
  }),
  'message completed twice by an asynchronous handler': clientWith({
    message: async (message) => {
      await Promise.resolve();
      message.complete();
      message.complete();
    },
  }),
  'transaction completed twice': clientWith({
    transaction: (transaction) => {
      transaction.complete();
      transaction.complete();
    },
  }),
  'transaction completed again later': clientWith({
    transaction: (transaction) => {
      transaction.complete();
      setImmediate(() => {
        transaction.complete();
      });
    },
  }),
  'body read after complete': clientWith({
    message: (message) => {
      message.complete();
      keep(message.body);
    },
  }),
  'parameters read after complete': clientWith({
    transaction: (transaction) => {
      transaction.complete();
      keep(transaction.parameters);
    },
  }),
  'waitUntil called late': leaverWith({
    disconnect: (_endpoint, event) => {
      setImmediate(() => {
        event.waitUntil(Promise.resolve());
      });
    },
  }),
  'a code that is not whole': clientWith({
    transaction: (transaction) => {
      transaction.complete(parameters, 1.5);
    },
  }),
  'a code beyond 32 bits': clientWith({
    transaction: (transaction) => {
      transaction.complete(parameters, 2 ** 31);
    },
  }),
  'a time limit that is not a number': clientWith({
    connect: (endpoint) => {
      endpoint.transact(parameters, () => undefined, undefined, NaN);
    },
  }),
  'a negative time limit': clientWith({
    connect: (endpoint) => {
      void endpoint.submitTransaction(parameters, { timeoutMs: -1 });
    },
  }),
  'a negative time limit whose rejection is ignored': clientWith({
    connect: (endpoint) => {
      endpoint.submitTransaction(parameters, { timeoutMs: -1 }).catch(() => undefined);
    },
  }),
};
