/** A user's own driver in a simulated world: a counter that must not lose or repeat a number. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { IdcError } from '../../core/index.js';
import { simulate } from './index.js';

it('a counter counts each request once, though its back end crashes', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const stored = { count: 0 };
    let certain = 0;
    let uncertain = 0;
    await simulate({
      seed,
      start: (world) => {
        world.addDomain('back', (domain) => {
          domain.listen('simulated://back/counter', () => ({
            transaction: (request) => {
              stored.count += 1;
              request.complete();
            },
          }));
        });
        world.addDomain('front', (domain, place) => {
          const counter = domain.createEndpoint('simulated://back/counter', {});
          const addOne = async (): Promise<void> => {
            try {
              await counter.submitTransaction(Uint8Array.of(1));
              certain += 1;
            } catch (error) {
              if (error instanceof IdcError && error.execution === 'maybe') uncertain += 1;
            }
            place.runtime.scheduler.after(5, () => void addOne());
          };
          void addOne();
        });
      },
      faults: { crashes: ['back'], stops: ['back'], severs: true },
      isSettled: () => certain > 100,
      check: () => {
        assert.ok(stored.count >= certain && stored.count <= certain + uncertain);
      },
    });
  }
});
