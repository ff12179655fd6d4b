/** Hello: the first epoch of a connection, and who is told what, in which order. */
import { contentOf, describeBytes } from './content.js';
import type { Scenario } from './scenario.js';

const hello = new TextEncoder().encode('hello');

export const helloScenarios: readonly Scenario[] = [
  {
    fact: 'appear, then connect with epoch 1, at both ends',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      stage.equal(front.lines, ['appear', 'connect 1'], 'front');
      stage.equal(back.lines, ['appear', 'connect 1'], 'back');
      stage.equal([front.endpoint.epoch, back.endpoint.epoch], [1, 1], 'epochs');
    },
  },
  {
    fact: 'a message and a transaction go both ways',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      for (const actor of [front, back]) {
        stage.equal(actor.send(hello), 1, 'the first message has number 1');
        await actor.askAloud('asked', hello);
        await actor.endpoint.whenFlushed();
        actor.note('flushed');
      }
      await stage.until('both heard', () => front.messageCount + back.messageCount === 2);
    },
  },
  {
    fact: 'each end knows who the other one is',
    play: async (stage) => {
      const { front, back, frontDomain, backDomain } = await stage.pair({
        front: { name: 'disk' },
      });
      for (const [actor, domain] of [
        [front, backDomain],
        [back, frontDomain],
      ] as const) {
        const { peer } = actor.endpoint;
        stage.equal(peer?.domainId, domain.id, 'id');
        stage.equal(peer?.incarnation, domain.incarnation, 'incarnation');
        actor.note(`peer ${peer?.domainName ?? ''}, endpoint ${peer?.endpointName ?? ''}`);
      }
      stage.equal(back.endpoint.name, 'disk', 'the local endpoint bears the name of the remote');
    },
  },
  {
    fact: 'observables and handlers are told the same; the observer comes first',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      back.endpoint.messages$.subscribe((message) => {
        back.note(`messages$ ${describeBytes(message.body)}`);
      });
      back.endpoint.transactions$.subscribe((transaction) => {
        back.note(`transactions$ ${describeBytes(transaction.parameters)}`);
      });
      front.send(contentOf(1, 10));
      await front.askAloud('asked', contentOf(2, 20));
    },
  },
  {
    fact: 'a client with observables alone completes what it hears',
    play: async (stage) => {
      const { front, back } = await stage.pair({ back: { hears: 'nothing' } });
      back.endpoint.messages$.subscribe((message) => {
        back.note(`messages$ ${describeBytes(message.body)}`);
        message.complete();
      });
      back.endpoint.transactions$.subscribe((transaction) => {
        transaction.complete(transaction.parameters);
      });
      front.send(hello);
      await front.endpoint.whenFlushed();
      await front.askAloud('asked', hello);
    },
  },
  {
    fact: 'what is submitted in the connect handler arrives',
    play: async (stage) => {
      const { front, back } = await stage.pair({
        front: {
          cast: (actor) => {
            actor.onConnect = () => actor.send(contentOf(1, 1));
          },
        },
        back: {
          cast: (actor) => {
            actor.onConnect = () => actor.send(contentOf(2, 2));
            return undefined;
          },
        },
      });
      await stage.until('both heard', () => front.messageCount === 1 && back.messageCount === 1);
    },
  },
];
