/** Two ends with frames of different length: what one of them sends whole, the other cuts. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createDomain, type EndpointHandlers, type Quota } from '../../core/index.js';
import { ring } from '../../transports/ring/index.js';

const quota: Partial<Quota> = {
  messageBytes: 10_000,
  parameterBytes: 9_000,
  statusBytes: 8_000,
};

const answering: EndpointHandlers = {
  message: (message) => message.complete(),
  transaction: (transaction) => transaction.complete(new Uint8Array(8_000).fill(7)),
};

for (const [frontBytes, backBytes] of [
  [16 * 1024, 1024 * 1024],
  [1024 * 1024, 16 * 1024],
] as const) {
  it(`rings of ${frontBytes} and ${backBytes} bytes: the longest items arrive`, async (context) => {
    const [front, back] = [
      createDomain({ name: 'front', transports: [ring({ ringBytes: frontBytes })], quota }),
      createDomain({ name: 'back', transports: [ring({ ringBytes: backBytes })], quota }),
    ];
    context.after(() => Promise.all([front.close(), back.close()]));
    const address = `ring://unequal-${process.pid}-${frontBytes}/service`;
    await back.listen(address, () => answering).ready;
    const endpoint = front.createEndpoint(address, {});
    await new Promise<void>((resolve) => {
      endpoint.lifecycle$.subscribe(({ type }) => {
        if (type === 'connect') resolve();
      });
    });
    const status = await endpoint.submitTransaction(new Uint8Array(9_000));
    assert.deepEqual(status, new Uint8Array(8_000).fill(7));
    await endpoint.whenWritable({ kind: 'message', byteLength: 10_000 });
    assert.ok(endpoint.submitMessage(new Uint8Array(10_000)) >= 0);
    await endpoint.whenFlushed();
  });
}
