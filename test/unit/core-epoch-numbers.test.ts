/** Epoch numbers only grow, whoever of the two ends has forgotten them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDomain, type Domain, type Endpoint } from '../../core/index.js';
import { createMemoryNetwork, memory } from '../../transports/memory/index.js';

test('epochs: a listener that starts anew goes on where the dialler is', async () => {
  const transports = [memory({ network: createMemoryNetwork() })];
  const limits = { dialMinMs: 1, dialMaxMs: 2 };
  const front = createDomain({ name: 'front', transports, limits });
  const startBack = async (): Promise<Domain> => {
    const back = createDomain({ name: 'back', transports, limits });
    await back.listen('memory://hub/a', () => ({})).ready;
    return back;
  };
  const epochs: number[] = [];
  let connected: (() => void) | undefined;
  front.createEndpoint('memory://hub/a', {
    connect: (endpoint: Endpoint) => {
      epochs.push(endpoint.epoch);
      connected?.();
    },
  });
  for (let start = 0; start < 3; start++) {
    const isConnected = new Promise<void>((resolve) => (connected = resolve));
    const back = await startBack();
    await isConnected;
    await back.close();
  }
  assert.deepEqual(epochs, [1, 2, 3]);
  await front.close();
});
