/** Listening and leaving at odd moments: each was a leak, a lie or a needless CORRUPT once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDomain, type Domain, type DomainOptions, type Listener } from '../../core/index.js';
import { createMemoryNetwork, memory } from '../../transports/memory/index.js';

function makeDomains(options: Partial<DomainOptions> = {}): { back: Domain; front: Domain } {
  const transports = [memory({ network: createMemoryNetwork() })];
  return {
    back: createDomain({ name: 'back', transports, ...options }),
    front: createDomain({ name: 'front', transports, ...options }),
  };
}

describe('listening', () => {
  it('a service that joins a port is told its own address', async () => {
    const { back } = makeDomains();
    assert.equal(await back.listen('memory://hub/a', () => ({})).ready, 'memory://hub/a');
    assert.equal(await back.listen('memory://hub/b', () => ({})).ready, 'memory://hub/b');
    await back.close();
  });

  it('an offer handler that closes its listener leaves no endpoint behind', async () => {
    const { back, front } = makeDomains();
    let closed: Promise<void> | undefined;
    const listener: Listener = back.listen('memory://hub/a', () => {
      closed = listener.close();
      return {};
    });
    front.createEndpoint('memory://hub/a', {});
    while (closed === undefined) await sleep(1);
    await closed;
    assert.equal(listener.endpoints.length, 0);
    assert.equal(back.statistics().timersArmed, 0);
    await Promise.all([front.close(), back.close()]);
  });

  it('a newcomer that is refused takes the place of nobody', async () => {
    const network = createMemoryNetwork();
    // After its second loss `good` does not return, however long the rest takes; `bad` tries on.
    const make = (name: string, dialMs: number): Domain => {
      const limits = { lingerMs: 5, dialMinMs: dialMs, dialMaxMs: dialMs };
      return createDomain({ name, transports: [memory({ network })], limits });
    };
    const [back, good, bad] = [make('back', 5), make('good', 3_600_000), make('bad', 5)];
    const listener = back.listen(
      'memory://hub/a',
      (offer) => (offer.peer.domainName === 'good' ? {} : offer.refuse()),
      { peersMax: 1 },
    );
    let nextInMs = 0;
    good.createEndpoint('memory://hub/a', {}).lifecycle$.subscribe((event) => {
      if (event.type === 'attempt') ({ nextInMs } = event);
    });
    const isIn = (state: string): boolean => listener.endpoints[0]?.state === state;
    while (!isIn('connected')) await sleep(1);
    // Kept away until its endpoint is absent, and beyond the first retry, which comes at once.
    while (nextInMs === 0 || !isIn('absent')) {
      network.sever();
      await sleep(1);
    }
    const refused = bad.createEndpoint('memory://hub/a', {});
    while (refused.lastFault !== 'REFUSED') await sleep(1);
    assert.equal(listener.endpoints.length, 1);
    await Promise.all([good.close(), bad.close(), back.close()]);
  });

  it('a peer that returns while its endpoint is being destroyed waits for it', async () => {
    const { back, front } = makeDomains({ limits: { dialMinMs: 5, dialMaxMs: 20 } });
    let connects = 0;
    const listener = back.listen('memory://hub/a', () => ({
      connect: (endpoint) => void (++connects === 1 && endpoint.destroy()),
      disconnect: () => sleep(100),
    }));
    await listener.ready;
    const faults: string[] = [];
    const endpoint = front.createEndpoint('memory://hub/a', {});
    endpoint.lifecycle$.subscribe((event) => {
      if (event.type === 'attempt') faults.push(event.fault);
    });
    while (connects < 2) await sleep(1);
    assert.deepEqual(faults, ['DESTROYED']);
    await Promise.all([front.close(), back.close()]);
  });
});

describe('leaving', () => {
  it('no epoch opens after destroy()', async () => {
    const { back, front } = makeDomains();
    const log: string[] = [];
    back.listen('memory://hub/a', () => ({}));
    const endpoint = front.createEndpoint('memory://hub/a', {
      appear: (appeared) => {
        log.push('appear');
        void appeared.destroy();
      },
      connect: () => void log.push('connect'),
      disappear: () => void log.push('disappear'),
    });
    while (endpoint.state !== 'destroyed') await sleep(1);
    assert.deepEqual(log, ['appear', 'disappear']);
    await Promise.all([front.close(), back.close()]);
  });

  it('a domain that lives on keeps nothing of a destroyed endpoint', async (context) => {
    if (globalThis.gc === undefined) {
      context.skip('needs --expose-gc');
      return;
    }
    const { back, front } = makeDomains();
    back.listen('memory://hub/a', () => ({
      message: (message) => {
        message.complete();
      },
    }));
    const live = async (): Promise<WeakRef<object>> => {
      const endpoint = front.createEndpoint('memory://hub/a', {});
      while (endpoint.state !== 'connected') await sleep(1);
      endpoint.submitTransaction([]).catch(() => undefined);
      endpoint.submitMessage([]);
      await endpoint.whenFlushed();
      await endpoint.destroy();
      return new WeakRef(endpoint);
    };
    const endpoint = await live();
    for (let turn = 0; turn < 100 && endpoint.deref() !== undefined; turn++) {
      await sleep(20);
      globalThis.gc();
    }
    assert.equal(endpoint.deref(), undefined);
    await Promise.all([front.close(), back.close()]);
  });
});
