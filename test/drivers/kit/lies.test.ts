/** Ends that stall, lie or are incomplete: what it costs the other one, and what it does not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcAssertionError, type ReceivedTransaction } from 'idc';
import {
  createBackEnd,
  createFrontEnd,
  defineProtocol,
  DriverError,
  type BackEndHandlers,
  type Context,
  type FrontEndPeer,
} from 'idc/drivers/kit';
import { agree, decodeGreeting, encodeReply } from '../../../drivers/kit/greeting.js';
import type { GreetingReply } from '../../../drivers/kit/greeting.js';
import { quotaOf } from '../../../drivers/kit/quota-of.js';
import { onPair } from './pair.js';

const schema = {
  name: 'bell',
  version: 1,
  features: { loud: 'It can be rung aloud.' },
  transactions: { ring: {}, shout: { feature: 'loud' } },
  messages: { rang: { to: 'front' }, nudge: { to: 'back' } },
} as const;
const bell = defineProtocol(schema);
type Handlers = BackEndHandlers<typeof schema, Context<FrontEndPeer<typeof schema>>>;

const quiet: Handlers = { ring: () => undefined, nudge: () => undefined };

/** Lets every promise and every turn that is due happen until `fact` holds. */
async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a back end', () => {
  it('gives a front end up that takes no events, and it comes back', async () => {
    await onPair(async ({ front, back, address }) => {
      const server = createBackEnd(back, address, bell, quiet, { queueMax: 2 });
      let letGo: () => void = () => undefined;
      let heardCount = 0;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      const slow = createFrontEnd(front, address, bell, {
        counts: { messages: 1 },
        events: { rang: () => gate },
      });
      const quick = createFrontEnd(front, address, bell);
      quick.rang$.subscribe(() => (heardCount += 1));
      await Promise.all([slow.ready(), quick.ready()]);
      const { epoch } = slow.endpoint;
      const sent = [1, 2, 3, 4, 5].map(() => server.rang());
      await until(() => slow.endpoint.state !== 'connected');
      letGo();
      await Promise.all(sent);
      await until(() => slow.agreed !== undefined && slow.endpoint.epoch !== epoch);
      assert.equal(heardCount, 5);
      await slow.ring();
    });
  });

  it('without a handler is refused where it is made', async () => {
    await onPair(async ({ back, address }) => {
      await Promise.resolve();
      // @ts-expect-error plain JavaScript may do so
      const incomplete: Handlers = { ring: () => undefined };
      assert.throws(
        () => createBackEnd(back, address, bell, incomplete),
        (error) => {
          assert.ok(error instanceof IdcAssertionError);
          assert.match(error.message, /bell: nudge has no handler/);
          return error.code === 'BAD_ARGUMENT';
        },
      );
    });
  });

  it('that makes handlers for each front end offers the features that these have', async () => {
    await onPair(async ({ front, back, address }) => {
      const shouts: string[] = [];
      let isLoud = true;
      createBackEnd(back, address, bell, () => {
        const handlers = isLoud ? { ...quiet, shout: () => void shouts.push('now') } : quiet;
        isLoud = false;
        return handlers;
      });
      const loud = createFrontEnd(front, address, bell);
      assert.deepEqual([...(await loud.ready()).features], ['loud']);
      const soft = createFrontEnd(front, address, bell);
      assert.deepEqual([...(await soft.ready()).features], []);
      await assert.rejects(soft.shout(), { failure: 'UNKNOWN_ITEM' });
      await loud.shout();
      assert.deepEqual(shouts, ['now']);
    });
  });
});

describe('a front end does not agree with a back end that answers the greeting', () => {
  const memory = new Uint8Array(16);
  const legal = { recovery: 'none', isWriter: true, memory, isKnown: false } as const;
  const cases: readonly (readonly [string, Partial<GreetingReply>])[] = [
    ['with a version that was not offered', { version: 9 }],
    ['with a feature that was not offered', { features: ['loud', 'louder'] }],
    ['with recovery that was not asked for', { recovery: 'table' }],
    ['with half a name', { memory: new Uint8Array(8) }],
  ];
  for (const [what, lie] of cases) {
    it(what, async () => {
      await onPair(async ({ front, back, address }) => {
        const transaction = (request: ReceivedTransaction): void => {
          const greeting = decodeGreeting(request.parameters);
          assert.ok(greeting !== undefined, 'nothing but greetings comes');
          const agreement = agree(bell, [], greeting);
          assert.ok(typeof agreement === 'object');
          request.complete(encodeReply({ ...agreement, ...legal, ...lie }));
        };
        back.listen(address, () => ({ transaction }), { quota: quotaOf(bell) });
        const device = createFrontEnd(front, address, bell);
        await assert.rejects(device.ready(), (error) => {
          assert.ok(error instanceof DriverError);
          return error.failure === 'BAD_STATUS';
        });
        await assert.rejects(device.ring(), { failure: 'BAD_STATUS' });
      });
    });
  }
});
