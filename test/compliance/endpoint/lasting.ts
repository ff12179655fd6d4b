/** Lasting: connections that say nothing for a while. */
import { contentOf } from './content.js';
import type { Scenario } from './scenario.js';

export const lastingScenarios: readonly Scenario[] = [
  {
    fact: 'idle connections survive many intervals, with one ping per peer domain and side',
    play: async (stage) => {
      const limits = { keepAliveMs: 10 };
      const service = await stage.listen(stage.domain('back', { limits }), 'service');
      const domain = stage.domain('front', { limits });
      for (let index = 0; index < 6; index++) {
        const front = stage.dial(domain, `front ${index}`, service.address);
        await stage.until('it has its own', () => service.actors.length === index + 1);
        await stage.connected(front, service);
      }
      const before = stage.tap.dialled.map(({ frameCount }) => frameCount);
      const pings = (): number[] => {
        return stage.tap.dialled.map(({ frameCount }, index) => frameCount - (before[index] ?? 0));
      };
      await stage.until('many intervals have passed', () => Math.max(...pings()) >= 12);
      // Each side asks on one of the six; an answer travels on the same link.
      const busy = pings().filter((count) => count > 1).length;
      stage.check(busy <= 2, `${busy} links are busy: ${pings().join()}`);
      stage.check(
        service.actors.every((actor) => actor.isConnected),
        'all are connected',
      );
      stage.check(
        service.actors.every((actor) => actor.disconnects.length === 0),
        'no cycle',
      );
    },
  },
  {
    fact: 'a handler that takes longer than three intervals does not end its connection',
    play: async (stage) => {
      const limits = { keepAliveMs: 10 };
      const { front, back } = await stage.pair({ front: { limits }, back: { limits } });
      const held: { complete(): void }[] = [];
      back.onTransaction = (transaction) => held.push(transaction);
      const asked = front.askAloud('asked', contentOf(1, 1));
      const link = stage.tap.dialled.at(-1);
      const before = link?.frameCount ?? 0;
      await stage.until('intervals have passed', () => (link?.frameCount ?? 0) - before >= 10);
      held[0]?.complete();
      await asked;
    },
  },
  {
    fact: 'a stalled event loop of one`s own is not mistaken for a dead peer',
    play: async (stage) => {
      const limits = { keepAliveMs: 10 };
      const { front, back } = await stage.pair({ front: { limits }, back: { limits } });
      const link = stage.tap.dialled.at(-1);
      for (let stall = 0; stall < 5; stall++) {
        const before = link?.frameCount ?? 0;
        const until = performance.now() + 60;
        while (performance.now() < until);
        await stage.until('it goes on', () => (link?.frameCount ?? 0) > before);
      }
      await front.askAloud('asked', contentOf(1, 1));
      stage.equal(front.disconnects.length + back.disconnects.length, 0, 'disconnects');
    },
  },
];
