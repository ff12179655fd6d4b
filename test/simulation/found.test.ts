/** What the simulation found, each as a scenario of its own. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Endpoint } from '../../core/index.js';
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
