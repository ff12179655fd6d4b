/** What the simulation found in transfers, each as a scenario of its own. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RemoteBufferReference, type Domain, type Endpoint } from '../../core/index.js';
import { World } from './world.js';

it('a search that outlives its domain opens nothing any more', async () => {
  const world = new World({ seed: 1 });
  const domains: Domain[] = [];
  const ends: Endpoint[] = [];
  world.addDomain('owner', (domain) => domains.push(domain), {
    domain: { transfers: { addresses: ['simulated://dark/x'] } },
  });
  world.addDomain('relay', (domain) => {
    domain.listen('simulated://relay/x', () => ({}));
  });
  world.addDomain('holder', (domain) => {
    domains.push(domain);
    ends.push(domain.createEndpoint('simulated://relay/x', {}));
  });
  await world.until('the relay is there', 1_000, () => ends[0]?.state === 'connected');
  const [owner, holder] = domains;
  assert.ok(owner !== undefined && holder !== undefined);
  const { reference } = owner.registerBuffer(new Uint8Array(8), { access: 'readWrite' });
  const decoded = RemoteBufferReference.decode(reference.encode(), ends[0]);
  // Nobody answers a dial, so the search still waits for the address when the domain closes.
  world.network.weather = { ...world.network.weather, lostDials: 1 };
  const outcomes: string[] = [];
  holder
    .receiveFromRemoteBuffer(decoded, new Uint8Array(8))
    .catch((error: unknown) => outcomes.push(String(error)));
  await world.run(50);
  world.place('holder').close();
  await world.run(10_000);
  assert.match(outcomes.join(), /^IdcError: DESTROYED \(never\)/u);
  await world.close(20_000);
});
