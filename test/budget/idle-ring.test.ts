/**
 * The idle budget of the ring: a hundred connected endpoints on which nothing happens cost each of
 * their two domains less than a thousandth of a core, keep-alive included.
 *
 * Processor time is counted, not time on the clock, over spans of two intervals of the keep-alive:
 * the time that passes is what is measured. In some spans V8 still compiles, or collects what the
 * connecting left behind, so that the calmest of several counts; whoever polls or wakes too often
 * does so in all of them.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createDomain, type Domain, type WaitStrategy } from 'idc';
import { ring } from 'idc/ring';

const endpointCount = 100;
const keepAliveMs = 2000;
const spanMs = 2 * keepAliveMs;
const spansMax = 6;
/** Of a core, for the two domains of this process. Measured 0.05 to 0.12 (Node 20.20.2). */
const percentMax = 2 * 0.1;
/** Enough to tell a domain that polls. */
const shortSpanMs = 200;

interface World {
  readonly front: Domain;
  readonly back: Domain;
}

async function connectAll(wait: WaitStrategy): Promise<World> {
  const quota = { messages: 1, messageBytes: 8, transactions: 1, parameterBytes: 8 };
  const transports = [ring({ ringBytes: 16 * 1024 })];
  const options = { transports, wait, quota, limits: { keepAliveMs } };
  const back = createDomain({ name: 'back', ...options });
  const listener = back.listen(`ring://idc-idle-${process.pid}/service`, () => ({
    transaction: (transaction) => {
      transaction.complete();
    },
  }));
  const address = await listener.ready;
  const front = createDomain({ name: 'front', ...options });
  // Something happened on each before it was quiet.
  const answers = Array.from(
    { length: endpointCount },
    () =>
      new Promise<void>((resolve, reject) => {
        front.createEndpoint(address, {
          connect: (endpoint) => {
            endpoint.submitTransaction(new Uint8Array(1)).then(() => {
              resolve();
            }, reject);
          },
        });
      }),
  );
  await Promise.all(answers);
  return { front, back };
}

/** Processor time of this process in one span, in percent of a core. */
async function measureSpan(lengthMs: number): Promise<number> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  await pause(lengthMs);
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 10 / wallMs;
}

describe('idle rings', () => {
  it('the measure sees a domain that polls', async () => {
    const { front, back } = await connectAll('spin');
    const percent = await measureSpan(shortSpanMs);
    await Promise.all([front.close(), back.close()]);
    assert(percent > percentMax, `${percent} %`);
  });

  for (const wait of ['park', 'adaptive'] as const) {
    const name = `${wait}: ${endpointCount} endpoints take under ${percentMax} % of a core`;
    it(name, async (context) => {
      const { front, back } = await connectAll(wait);
      const percents: number[] = [];
      do percents.push(await measureSpan(spanMs));
      while (Math.min(...percents) >= percentMax && percents.length < spansMax);
      await Promise.all([front.close(), back.close()]);
      const told = percents.map((percent) => percent.toFixed(3)).join(', ');
      context.diagnostic(`${told} % of a core`);
      assert(Math.min(...percents) < percentMax, `${told} %`);
    });
  }
});
