/** V8: stacked drivers, each of whose handlers calls on through a front end of its own. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Endpoint, ReceivedTransaction } from '../../core/index.js';
import { Random } from './prng.js';
import { calmWeather } from './weather.js';
import { World } from './world.js';

const domainCount = 5;
const chainCount = 6;
const quota = { messages: 1, transactions: 1 };
/** Long enough for every hop there and back, and short of every time limit. */
const limitMs = 5_000;

/** A ring of domains; each dials the next one at each of `services`, and passes on what it gets. */
class Ring {
  readonly world: World;
  readonly #fronts = new Map<string, Endpoint>();
  readonly #services: readonly string[];

  constructor(seed: number, services: readonly string[]) {
    this.world = new World({ seed });
    this.world.network.weather = { ...calmWeather, delayMs: [0, 20], jitterMs: 10 };
    this.#services = services;
    for (let index = 0; index < domainCount; index++) {
      const place = `d${index}`;
      const target = `d${(index + 1) % domainCount}`;
      this.world.addDomain(
        place,
        (domain) => {
          for (const service of services) {
            domain.listen(`simulated://${place}/${service}`, () => ({
              transaction: (transaction) => {
                this.#passOn(place, service, transaction);
              },
            }));
            const address = `simulated://${target}/${service}`;
            this.#fronts.set(`${place}/${service}`, domain.createEndpoint(address, {}));
          }
        },
        { domain: { quota } },
      );
    }
  }

  async connect(): Promise<void> {
    const expected = domainCount * this.#services.length;
    await this.world.until('all are connected', limitMs, () => {
      const fronts = [...this.#fronts.values()];
      return fronts.length === expected && fronts.every((front) => front.state === 'connected');
    });
  }

  /** Starts a chain of `hops` calls; answers what has become of it, later. */
  start(place: string, service: string, hops: number): { outcome: string } {
    const chain = { outcome: 'open' };
    this.#call(place, service, hops, (outcome) => {
      chain.outcome = outcome;
    });
    return chain;
  }

  #passOn(place: string, service: string, transaction: ReceivedTransaction): void {
    const hops = transaction.parameters[0] ?? 0;
    if (hops === 0) {
      transaction.complete();
      return;
    }
    this.#call(place, service, hops - 1, (outcome) => {
      transaction.complete(undefined, outcome === 'OK' ? 0 : 1);
    });
  }

  #call(place: string, service: string, hops: number, done: (outcome: string) => void): void {
    const front = this.#fronts.get(`${place}/${service}`);
    assert.ok(front !== undefined);
    const askedMs = this.world.nowMs;
    front.submitTransaction(Uint8Array.of(hops)).then(
      () => {
        done('OK');
      },
      (error: unknown) => {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'strange';
        if (code === 'QUOTA') assert.equal(this.world.nowMs, askedMs, 'QUOTA comes at once');
        done(code);
      },
    );
  }
}

describe('V8 chains of drivers', () => {
  it('one endpoint for each chain and hop, quota 1: all complete', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const services = Array.from({ length: chainCount }, (_, index) => `chain-${index}`);
      const ring = new Ring(seed, services);
      await ring.connect();
      const chains = services.map((service, index) =>
        ring.start(`d${index % domainCount}`, service, domainCount - 2),
      );
      const isOver = (): boolean => chains.every(({ outcome }) => outcome !== 'open');
      await ring.world.until('every chain ends', limitMs, isOver);
      assert.ok(chains.every(({ outcome }) => outcome === 'OK'));
      await ring.world.close(limitMs);
    }
  });

  it('all chains over one endpoint for each pair: no slot is QUOTA at once, all end', async () => {
    let refusals = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const ring = new Ring(seed, ['shared']);
      const random = new Random(seed);
      await ring.connect();
      const chains: { outcome: string }[] = [];
      for (let count = 0; count < 40; count++) {
        ring.world.after(random.between(0, 200), () => {
          const place = `d${random.between(0, domainCount - 1)}`;
          chains.push(ring.start(place, 'shared', random.between(0, 2 * domainCount)));
        });
      }
      await ring.world.run(200);
      const isOver = (): boolean => chains.every(({ outcome }) => outcome !== 'open');
      await ring.world.until('every chain ends', limitMs, isOver);
      const outcomes = new Set(chains.map(({ outcome }) => outcome));
      assert.deepEqual(
        [...outcomes].filter((name) => !['OK', 'QUOTA', 'REMOTE'].includes(name)),
        [],
      );
      refusals += chains.filter(({ outcome }) => outcome !== 'OK').length;
      await ring.world.close(limitMs);
    }
    assert.ok(refusals > 0);
  });
});
