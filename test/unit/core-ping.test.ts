/** `Endpoint.ping`: the way to the peer's session and back, without its client. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDomain, type Endpoint } from '../../core/index.js';
import { PingQueue } from '../../core/ping-queue.js';
import { createMemoryNetwork, memory } from '../../transports/memory/index.js';

describe('pings', () => {
  it('one is out at a time; who asks meanwhile is answered by the next', () => {
    const queue = new PingQueue();
    const answers: string[] = [];
    const ask = (name: string): boolean =>
      queue.add((isAnswered) => answers.push(`${name} ${isAnswered}`));
    assert.equal(ask('a'), true);
    queue.send();
    assert.equal(ask('b'), false);
    assert.equal(ask('c'), false);
    assert.equal(queue.answered(), true);
    assert.deepEqual(answers, ['a true']);
    queue.send();
    assert.equal(queue.answered(), false);
    assert.deepEqual(answers, ['a true', 'b true', 'c true']);
  });

  it('the end answers all, asked and waiting, once', () => {
    const queue = new PingQueue();
    const answers: boolean[] = [];
    queue.add((isAnswered) => answers.push(isAnswered));
    queue.send();
    queue.add((isAnswered) => answers.push(isAnswered));
    queue.end();
    queue.end();
    assert.deepEqual(answers, [false, false]);
  });
});

describe('an endpoint', () => {
  it('answers pings without its client, many at once, and none once it has gone', async () => {
    const network = createMemoryNetwork();
    const back = createDomain({ name: 'back', transports: [memory({ network })] });
    const front = createDomain({ name: 'front', transports: [memory({ network })] });
    back.listen('memory://back/x', () => ({}));
    const endpoint = await new Promise<Endpoint>((resolve) => {
      const early = front.createEndpoint('memory://back/x', { connect: resolve });
      void assert.rejects(early.ping(), { code: 'NOT_CONNECTED', execution: 'never' });
    });
    for (const ms of await Promise.all([1, 2, 3].map(() => endpoint.ping()))) assert(ms >= 0);
    const last = assert.rejects(endpoint.ping(), { code: 'DISCONNECTED' });
    await Promise.all([back.close(), last]);
    await front.close();
  });
});
