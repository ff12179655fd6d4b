/** Lasting: connections that say nothing for a while. */
import { contentOf } from './content.js';
import type { Scenario } from './scenario.js';

export const lastingScenarios: readonly Scenario[] = [
  {
    fact: 'idle connections survive many intervals; six to one peer ask no more than one does',
    play: async (stage) => {
      const limits = { keepAliveMs: 10 };
      const alone = await stage.listen(stage.domain('other back', { limits }), 'alone');
      const witness = stage.dial(stage.domain('other', { limits }), 'witness', alone.address);
      await stage.connected(witness, alone);
      const service = await stage.listen(stage.domain('back', { limits }), 'service');
      const domain = stage.domain('front', { limits });
      for (let index = 0; index < 6; index++) {
        const front = stage.dial(domain, `front ${index}`, service.address);
        await stage.until('it has its own', () => service.actors.length === index + 1);
        await stage.connected(front, service);
      }
      const before = stage.tap.dialled.map(({ frameCount }) => frameCount);
      const since = (from: number, to?: number): number => {
        const counts = stage.tap.dialled.map(({ frameCount }) => frameCount);
        const grown = counts.map((frames, index) => frames - (before[index] ?? 0));
        return grown.slice(from, to).reduce((sum, frames) => sum + frames, 0);
      };
      await stage.until('many intervals have passed', () => since(0, 1) >= 30);
      // Whose ping comes first decides who has to ask at all: from one to two frames an interval.
      stage.check(since(1) <= 3 * since(0, 1), `${since(1)} frames of six, ${since(0, 1)} of one`);
      stage.check(since(1) > 0, 'the six are watched, too');
      const actors = [witness, ...service.actors];
      stage.check(
        actors.every((actor) => actor.isConnected),
        'all are connected',
      );
      stage.check(
        actors.every((actor) => actor.disconnects.length === 0),
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
