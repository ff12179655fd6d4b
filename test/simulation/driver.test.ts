/** A user's own driver in a simulated world: a counter that must not lose or repeat a number. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { IdcError } from '../../core/index.js';
import { simulate, simulateSeeds, SimulationError, type Simulation } from './index.js';

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

/** A back end that answers with numbers, of which `isRight` may make some wrong. */
function makeNumbers(seed: number, isRight: (count: number) => boolean): Simulation {
  const seen: number[] = [];
  let count = 0;
  return {
    seed,
    domains: {
      back: (domain) => {
        domain.listen('simulated://back/numbers', () => ({
          transaction: (request) => {
            count += 1;
            request.complete(Uint8Array.of(isRight(count) ? 1 : 0));
          },
        }));
      },
      front: (domain, place) => {
        const numbers = domain.createEndpoint('simulated://back/numbers', {});
        const ask = (): void => {
          numbers.submitTransaction(Uint8Array.of(0)).then(
            ([number = 0]) => seen.push(number),
            () => undefined,
          );
          place.runtime.scheduler.after(20, ask);
        };
        ask();
      },
    },
    faults: { crashes: ['back'], stops: ['front'], clogs: true, weather: { jitterMs: 30 } },
    invariant: () => {
      assert.ok(!seen.includes(0), 'a wrong number');
    },
    isSettled: () => seen.length > 20,
  };
}

it('simulateSeeds: a failure is told with its seed and the faults that it needs', async () => {
  const { stepCount } = await simulateSeeds((seed) => makeNumbers(seed, () => true), { count: 3 });
  assert.ok(stepCount > 100);
  await assert.rejects(
    simulateSeeds((seed) => makeNumbers(seed, (count) => count !== 7), { first: 4, count: 3 }),
    (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /^seed 4: a wrong number\nreplay it with simulate\(/u);
      assert.match(error.message, /make\(4\), faults: \{"crashes":\[\],"stops":\[\],/u);
      assert.ok(error.cause instanceof SimulationError);
      return true;
    },
  );
});
