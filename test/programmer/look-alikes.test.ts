/** What looks like a programmer error but is legal: nobody is accused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Endpoint, EndpointHandlers, ReceivedMessage, ReceivedTransaction } from 'idc';

import { Gate } from '../compliance/endpoint/gate.js';
import { media, TwoSides, type Medium } from './two-sides.js';

const body = new Uint8Array(4);

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function completeAndThen(
  destroy: (endpoint: Endpoint) => Promise<void>,
): (item: ReceivedMessage | ReceivedTransaction) => Promise<void> {
  return (item) => {
    item.complete();
    return destroy(item.endpoint);
  };
}

/** Near leaves with these handlers; it must come through. */
async function leave(medium: Medium, handlers: EndpointHandlers): Promise<void> {
  const sides = new TwoSides(medium, () => ({}));
  const endpoint = await sides.dial(handlers);
  await endpoint.destroy();
  await sides.end();
}

for (const medium of media) {
  describe(`over ${medium} it is legal that`, { timeout: 20_000 }, () => {
    it('a disconnect handler calls destroy', () =>
      leave(medium, {
        disconnect: (endpoint) => {
          void endpoint.destroy();
        },
      }));

    it('a disconnect handler goes on after it called destroy', () =>
      leave(medium, {
        disconnect: async (endpoint) => {
          void endpoint.destroy();
          await nextTurn();
        },
      }));

    it('a disconnect handler wants to hear of the end of destroy and does not wait', async () => {
      const heard = new Gate();
      await leave(medium, {
        disconnect: (endpoint) => {
          void endpoint.destroy().then(() => {
            heard.open();
          });
        },
      });
      await heard.opened;
    });

    it('a disconnect handler calls close of its domain and goes on', async () => {
      const sides = new TwoSides(medium, () => ({}));
      const endpoint = await sides.dial({
        disconnect: async () => {
          void sides.near.close();
          await nextTurn();
        },
      });
      await endpoint.destroy();
      await sides.end();
    });

    it('a disconnect handler calls close of its listener and goes on', async () => {
      const left = new Gate();
      const sides = new TwoSides(medium, () => ({
        disconnect: async () => {
          void sides.listener.close();
          await nextTurn();
          left.open();
        },
      }));
      const endpoint = await sides.dial();
      await endpoint.destroy();
      await left.opened;
      await sides.end();
    });

    it('destroy is awaited elsewhere while a disconnect handler is pending', async () => {
      const sides = new TwoSides(medium, () => ({}));
      const begun = new Gate();
      const released = new Gate();
      const endpoint = await sides.dial({
        disconnect: async () => {
          begun.open();
          await released.opened;
        },
      });
      const first = endpoint.destroy();
      await begun.opened;
      setImmediate(() => {
        released.open();
      });
      await endpoint.destroy();
      await first;
      await sides.end();
    });

    it('a disconnect handler awaits destroy of another endpoint', async () => {
      const sides = new TwoSides(medium, () => ({}));
      const other = await sides.dial();
      const endpoint = await sides.dial({
        disconnect: async () => {
          await other.destroy();
        },
      });
      await endpoint.destroy();
      assert.equal(other.state, 'destroyed');
      await sides.end();
    });

    it('a handler that a pending disconnect handler set going awaits destroy', async () => {
      const destroyed = new Gate();
      const leaving: { endpoint: Endpoint | undefined } = { endpoint: undefined };
      const sides = new TwoSides(medium, () => ({
        message: async (message) => {
          message.complete();
          await leaving.endpoint?.destroy();
          destroyed.open();
        },
      }));
      const other = await sides.dial();
      leaving.endpoint = await sides.dial({
        disconnect: async () => {
          await nextTurn();
          other.submitMessage(body);
          await other.whenFlushed();
          await nextTurn();
        },
      });
      void leaving.endpoint.destroy();
      await destroyed.opened;
      await sides.end();
    });

    it('a completion that a pending disconnect handler set going awaits destroy', async () => {
      const destroyed = new Gate();
      const sides = new TwoSides(medium, () => ({
        transaction: (transaction) => {
          transaction.complete();
        },
      }));
      const other = await sides.dial();
      const endpoint = await sides.dial({
        disconnect: async (self) => {
          await nextTurn();
          const settled = new Gate();
          const settle = async (): Promise<void> => {
            settled.open();
            await self.destroy();
            destroyed.open();
          };
          other.transact(body, () => void settle(), undefined);
          await settled.opened;
        },
      });
      void endpoint.destroy();
      await destroyed.opened;
      await sides.end();
    });

    it('appear, connect, message and transaction handlers await destroy', async () => {
      const destroyed = new Map<string, Gate>();
      const destroyIn = (name: string): ((endpoint: Endpoint) => Promise<void>) => {
        const gate = new Gate();
        destroyed.set(name, gate);
        return async (endpoint) => {
          await endpoint.destroy();
          gate.open();
        };
      };
      const inMessage = destroyIn('message');
      const inTransaction = destroyIn('transaction');
      const sides = new TwoSides(medium, ({ peer }) =>
        peer.endpointName === 'messages'
          ? { message: completeAndThen(inMessage) }
          : { transaction: completeAndThen(inTransaction) },
      );
      const address = await sides.listener.ready;
      sides.near.createEndpoint(address, { appear: destroyIn('appear') });
      sides.near.createEndpoint(address, { connect: destroyIn('connect') });
      const messages = { connect: (endpoint: Endpoint) => void endpoint.submitMessage(body) };
      sides.near.createEndpoint(address, messages, { name: 'messages' });
      const transactions = {
        connect: (endpoint: Endpoint) => void endpoint.transact(body, () => undefined, undefined),
      };
      sides.near.createEndpoint(address, transactions, { name: 'transactions' });
      await Promise.all([...destroyed.values()].map(({ opened }) => opened));
      await sides.end();
    });

    it('what was received is completed in another turn, or after its epoch', async () => {
      const messages: ReceivedMessage[] = [];
      const transactions: ReceivedTransaction[] = [];
      const received = new Gate();
      const over = new Gate();
      const sides = new TwoSides(medium, () => ({
        message: (message) => void messages.push(message),
        transaction: (transaction) => {
          if (transactions.push(transaction) === 2) received.open();
        },
        disconnect: () => {
          over.open();
        },
      }));
      const endpoint = await sides.dial();
      endpoint.submitMessage(body);
      endpoint.submitMessage(body);
      const [early, late] = [endpoint.submitTransaction(body), endpoint.submitTransaction(body)];
      const lateEnd = assert.rejects(late, { code: 'DISCONNECTED', execution: 'maybe' });
      await received.opened;
      await nextTurn();
      messages[0]?.complete();
      transactions[0]?.complete();
      await early;
      await endpoint.destroy();
      await Promise.all([lateEnd, over.opened]);
      assert.deepEqual(messages[1]?.body, body);
      assert.deepEqual(transactions[1]?.parameters, body);
      assert.equal(transactions[1].signal.aborted, true);
      messages[1].complete();
      transactions[1].complete(body, 7);
      await sides.end();
    });

    it('destroy is called again: it answers the same promise', async () => {
      const sides = new TwoSides(medium, () => ({}));
      const endpoint = await sides.dial();
      const promise = endpoint.destroy();
      assert.equal(endpoint.destroy({ drainMs: 1 }), promise);
      await promise;
      assert.equal(endpoint.destroy(), promise);
      assert.equal(sides.near.close(), sides.near.close());
      await sides.end();
    });
  });
}
