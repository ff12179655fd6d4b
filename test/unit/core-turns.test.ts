/** Turns of a domain: how much one handles, and that none follows the end. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { it } from 'node:test';
import { createRuntime } from '../../core/contract.js';
import { createDomain, type Domain, type DomainOptions, type Endpoint } from '../../core/index.js';
import { createMemoryNetwork, memory } from '../../transports/memory/index.js';
import { turnEventLoop } from '../compliance/harness.js';

interface Line {
  readonly back: Domain;
  readonly front: Domain;
  readonly endpoint: Endpoint;
  readonly seen: { messageCount: number };
}

async function connectPair(options: Partial<DomainOptions> = {}): Promise<Line> {
  const transports = [memory({ network: createMemoryNetwork() })];
  const back = createDomain({ name: 'back', transports, ...options });
  const front = createDomain({ name: 'front', transports, ...options });
  const seen = { messageCount: 0 };
  back.listen('memory://hub/a', () => ({
    message: (message) => {
      seen.messageCount++;
      message.complete();
    },
    transaction: (transaction) => {
      transaction.complete();
    },
  }));
  const endpoint = await new Promise<Endpoint>((resolve) => {
    front.createEndpoint('memory://hub/a', { connect: resolve });
  });
  await endpoint.submitTransaction(Uint8Array.of(1));
  return { back, front, endpoint, seen };
}

it('poll: takes at most its limit from a link, and the rest at its next turns', async () => {
  const { back, front, endpoint, seen } = await connectPair();
  for (let count = 0; count < 20; count++) endpoint.submitMessage(Uint8Array.of(count));
  for (let turn = 1; turn <= 4; turn++) {
    back.poll(5);
    assert.equal(seen.messageCount, 5 * turn);
  }
  await Promise.all([front.close(), back.close()]);
});

it('spin: no turn follows once the domain is closed', async () => {
  let askedCount = 0;
  const runtime = createRuntime();
  const { scheduler } = runtime;
  const counted = {
    ...runtime,
    scheduler: {
      soon: (task: () => void): void => {
        askedCount++;
        scheduler.soon(task);
      },
      next: (task: () => void): void => {
        scheduler.next(task);
      },
      after: (delayMs: number, task: () => void) => scheduler.after(delayMs, task),
    },
  };
  const { back, front } = await connectPair({ wait: 'spin', runtime: counted });
  await Promise.all([front.close(), back.close()]);
  await turnEventLoop(4);
  const closedCount = askedCount;
  await turnEventLoop(20);
  assert.equal(askedCount, closedCount);
});

it('a transaction that has settled listens to its signal no more', async () => {
  const { back, front, endpoint } = await connectPair();
  const { signal } = new AbortController();
  for (let count = 0; count < 3; count++) {
    const answer = endpoint.submitTransaction(Uint8Array.of(count), { signal });
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    await answer;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  }
  await Promise.all([front.close(), back.close()]);
});
