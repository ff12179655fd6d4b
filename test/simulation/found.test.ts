/** What the simulation found, each as a scenario of its own. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DisconnectEvent, Endpoint } from '../../core/index.js';
import { calmWeather } from './weather.js';
import { World } from './world.js';

it('handshake: words that a busy link refuses are said when it takes them', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World({ seed });
    // Nothing passes while something is on its way: Ready finds Hello, and Accept finds Welcome.
    world.network.weather = { ...calmWeather, refusedClaims: 1 };
    const fronts: Endpoint[] = [];
    let receivedCount = 0;
    world.addDomain('back', (domain) => {
      domain.listen('simulated://back/service', () => ({
        message: (message) => {
          receivedCount += 1;
          message.complete();
        },
      }));
    });
    world.addDomain('front', (domain) => {
      const connect = (endpoint: Endpoint): void => {
        endpoint.submitMessage(Uint8Array.of(1));
        void endpoint.whenWritable({ kind: 'message', byteLength: 1 }).then(() => {
          endpoint.submitMessage(Uint8Array.of(2));
        });
      };
      fronts.push(domain.createEndpoint('simulated://back/service', { connect }));
    });
    await world.until('a message arrives', 1_000, () => receivedCount > 0);
    assert.equal(fronts[0]?.epoch, 1);
    await world.close(5_000);
  }
});

it('neverFrom: requests at the end that were taken back in the middle count', async () => {
  const world = new World({ seed: 1 });
  const events: DisconnectEvent[] = [];
  const outcomes: string[] = [];
  world.addDomain('back', (domain) => {
    domain.listen('simulated://back/service', () => ({ transaction: () => undefined }));
  });
  world.addDomain(
    'front',
    (domain) => {
      const connect = async (endpoint: Endpoint): Promise<void> => {
        endpoint.submitMessage(Uint8Array.of(1));
        for (let round = 0; round < 2; round++) {
          // The window takes a part of it, and a word more, but not all.
          const ticket = endpoint.transact(
            new Uint8Array(4_000),
            (_context, code, execution) => outcomes.push(`${code} ${execution}`),
            undefined,
          );
          endpoint.cancel(ticket);
          await endpoint.whenWritable({ kind: 'transaction', byteLength: 4_000 });
        }
        world.network.sever();
      };
      const disconnect = (_endpoint: Endpoint, event: DisconnectEvent): void => {
        events.push(event);
      };
      domain.createEndpoint('simulated://back/service', { connect, disconnect });
    },
    { frameBytesMax: 1_024, windowBytes: 2_100 },
  );
  await world.until('the epoch ends', 5_000, () => events.length > 0);
  assert.deepEqual(outcomes, ['CANCELLED never', 'CANCELLED never']);
  assert.equal(events[0]?.submittedThrough, 3);
  assert.equal(events[0].neverFrom, 2);
});

it('a healed world: what a clog held back arrives at once', async () => {
  const world = new World({ seed: 1 });
  let front: Endpoint | undefined = undefined;
  let completedCount = 0;
  world.addDomain('back', (domain) => {
    domain.listen('simulated://back/service', () => ({
      message: (message) => {
        message.complete();
        completedCount += 1;
      },
    }));
  });
  world.addDomain('front', (domain) => {
    front = domain.createEndpoint('simulated://back/service', {
      connect: (endpoint) => {
        world.network.clog('front', 'back', world.nowMs + 60_000);
        endpoint.submitMessage(Uint8Array.of(1));
      },
    });
  });
  await world.until('it connects', 1_000, () => front?.state === 'connected');
  await world.run(100);
  assert.equal(completedCount, 0);
  world.heal(calmWeather);
  await world.until('the message arrives', 1_000, () => completedCount === 1);
  await world.close(5_000);
});
