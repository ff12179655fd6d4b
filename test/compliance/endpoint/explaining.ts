/** Explaining: what an endpoint says of itself, in words and in numbers. */
import type { ReceivedMessage, ReceivedTransaction } from '../../../core/index.js';
import type { Actor } from './actor.js';
import { contentOf } from './content.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

function says(stage: Stage, actor: Actor, what: string): void {
  const text = actor.endpoint.explain();
  stage.check(text.includes(what), `'${what}' is in '${text}'`);
}

export const explainingScenarios: readonly Scenario[] = [
  {
    fact: 'explain names what it waits for',
    play: async (stage) => {
      const address = await stage.world.vacantAddress('service');
      const front = stage.dial(stage.domain('front'), 'front', address, { name: 'disk' });
      says(stage, front, 'endpoint disk: absent, epoch 0, peer nobody yet; waits for a link');
      const service = await stage.listen(stage.domain('back'), 'service', { address });
      const back = await stage.connected(front, service);
      says(stage, front, 'connected, epoch 1, peer back');
      says(stage, front, 'waits for nothing');
      const messages: ReceivedMessage[] = [];
      const requests: ReceivedTransaction[] = [];
      back.onMessage = (message) => messages.push(message);
      back.onTransaction = (transaction) => requests.push(transaction);
      await front.post(contentOf(1, 1));
      await front.post(contentOf(2, 2));
      const asked = front.askAloud('asked', contentOf(3, 3));
      const flushed = front.endpoint.whenFlushed();
      says(stage, front, '1 transaction(s) to be answered');
      says(stage, front, '2 message(s) to be completed by the peer');
      says(stage, front, '1 room or flushes that this client asked for');
      await stage.until('all are held', () => messages.length + requests.length === 3);
      for (const held of [...messages, ...requests]) held.complete();
      await asked;
      await flushed;
      says(stage, front, 'waits for nothing');
      await front.endpoint.destroy();
      says(stage, front, 'destroyed');
      await stage.seen(back, 'destroyed');
    },
  },
  {
    fact: 'statistics add up over several epochs',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: { quota: { transactions: 1 } } });
      for (let epoch = 1; epoch <= 3; epoch++) {
        for (let index = 0; index < 4; index++) await front.post(contentOf(index, index));
        await front.endpoint.whenFlushed();
        await front.askAloud('asked', contentOf(epoch, epoch));
        const held: ReceivedTransaction[] = [];
        back.onTransaction = (transaction) => held.push(transaction);
        const lost = front.ask(contentOf(epoch, epoch));
        front.start(contentOf(1, 1));
        await stage.until('it is held', () => held.length === 1);
        stage.world.sever();
        front.note(await lost);
        await stage.until('the back lost it', () => back.disconnects.length === epoch);
        back.onTransaction = (transaction) => {
          transaction.complete();
        };
        held[0]?.complete();
        await stage.seen(front, `connect ${epoch + 1}`);
        await stage.seen(back, `connect ${epoch + 1}`);
      }
      front.note(JSON.stringify(front.endpoint.statistics()));
      back.note(JSON.stringify(back.endpoint.statistics()));
      stage.equal(front.endpoint.statistics().outcomes, { never: 0, maybe: 3, done: 3 }, 'ends');
    },
  },
];
