/** Quotas: what both ends agree on, and what is refused at the very limit. */
import type { Quota, ReceivedMessage, ReceivedTransaction } from '../../../core/index.js';
import { describeError, type Actor } from './actor.js';
import { contentOf } from './content.js';
import type { Scenario } from './scenario.js';

const frontQuota: Quota = {
  messages: 5,
  messageBytes: 100,
  transactions: 2,
  parameterBytes: 30,
  statusBytes: 400,
};
const backQuota: Quota = {
  messages: 4,
  messageBytes: 200,
  transactions: 3,
  parameterBytes: 20,
  statusBytes: 300,
};
const smaller: Quota = {
  messages: 4,
  messageBytes: 100,
  transactions: 2,
  parameterBytes: 20,
  statusBytes: 300,
};
const both = { front: { quota: frontQuota }, back: { quota: backQuota } };

interface Held {
  readonly messages: ReceivedMessage[];
  readonly requests: ReceivedTransaction[];
}

/** Keeps what it hears. */
function hold(actor: Actor): Held {
  const held: Held = { messages: [], requests: [] };
  actor.onMessage = (message) => held.messages.push(message);
  actor.onTransaction = (transaction) => held.requests.push(transaction);
  return held;
}

export const quotaScenarios: readonly Scenario[] = [
  {
    fact: 'the smaller of both ends holds, item by item; before that, one`s own',
    play: async (stage) => {
      const asked: Quota[] = [];
      const service = await stage.listen(stage.domain('back'), 'service', {
        quota: backQuota,
        cast: (_actor, offer) => {
          asked.push(offer.quota);
          return undefined;
        },
      });
      const front = stage.dial(stage.domain('front'), 'front', service.address, both.front);
      stage.equal(front.endpoint.quota, frontQuota, 'its own');
      const back = await stage.connected(front, service);
      stage.equal(asked, [frontQuota], 'what the offer shows');
      stage.equal(front.endpoint.quota, smaller, 'agreed');
      stage.equal(back.endpoint.quota, smaller, 'agreed');
    },
  },
  {
    fact: 'messages: QUOTA exactly at the limit, and room again after each completion',
    play: async (stage) => {
      const { front, back } = await stage.pair(both);
      const held = hold(back);
      for (let index = 0; index < 4; index++) await front.post(contentOf(index, 1));
      front.send(contentOf(4, 1));
      for (let round = 0; round < 3; round++) {
        await stage.until('the back holds four', () => held.messages.length === 4);
        held.messages.pop()?.complete();
        await front.endpoint.whenWritable({ kind: 'message', byteLength: 1 });
        await front.post(contentOf(5 + round, 1));
        front.send(contentOf(9, 1));
      }
      stage.equal(front.endpoint.statistics().refusals, 4, 'counted refusals');
      await stage.until('the back holds four', () => held.messages.length === 4);
      for (const message of held.messages) message.complete();
      await front.endpoint.whenFlushed();
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: message refused: Quota',
      'front: message refused: Quota',
      'front: message refused: Quota',
      'front: message refused: Quota',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: message 1, 1 bytes c70bfb85',
      'service<0: message 2, 1 bytes c20bf3a6',
      'service<0: message 3, 1 bytes c80bfd18',
      'service<0: message 4, 1 bytes d70c14b5',
      'service<0: message 5, 1 bytes d80c1648',
      'service<0: message 6, 1 bytes e60c2c52',
      'service<0: message 7, 1 bytes ec0c35c4',
    ],
  },
  {
    fact: 'transactions: QUOTA exactly at the limit, and a slot again after each completion',
    play: async (stage) => {
      const { front, back } = await stage.pair(both);
      const held = hold(back);
      const first = await front.begin(contentOf(1, 1));
      const second = await front.begin(contentOf(2, 2));
      front.start(contentOf(3, 3));
      await front.askAloud('asked for a third', contentOf(3, 3));
      await stage.until('the back holds two', () => held.requests.length === 2);
      held.requests[1]?.complete(contentOf(2, 4));
      front.note(await second.settled.opened);
      const third = await front.begin(contentOf(3, 3));
      await stage.until('the back holds the third', () => held.requests.length === 3);
      held.requests[0]?.complete();
      held.requests[2]?.complete();
      front.note(await first.settled.opened);
      front.note(await third.settled.opened);
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: request refused: Quota',
      'front: asked for a third: QUOTA never',
      'front: OK done, 4 bytes 7c143ef9',
      'front: OK done, 0 bytes 811c9dc5',
      'front: OK done, 0 bytes 811c9dc5',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 2 bytes d1e0b2a5',
      'service<0: request, 3 bytes bd481eab',
    ],
  },
  {
    fact: 'TOO_LARGE at the exact byte: messages and parameters at once, status as done',
    play: async (stage) => {
      const { front, back } = await stage.pair(both);
      front.send(contentOf(1, 100));
      front.send(contentOf(2, 101));
      await front.askAloud('20 bytes', contentOf(1, 20));
      await front.askAloud('21 bytes', contentOf(2, 21));
      for (const byteLength of [300, 301]) {
        back.onTransaction = (transaction) => {
          stage.equal(transaction.statusBytesMax, 300, 'what the handler is told');
          transaction.complete(contentOf(3, byteLength));
        };
        await front.askAloud(`${byteLength} bytes of status`, contentOf(3, 3));
      }
      stage.equal(back.endpoint.statistics().repliesTooLarge, 1, 'counted');
      for (const kind of ['message', 'transaction'] as const) {
        const request = { kind, byteLength: kind === 'message' ? 101 : 21 };
        await front.endpoint.whenWritable(request).catch((error: unknown) => {
          front.note(`${kind} of ${request.byteLength} bytes: ${describeError(error)}`);
        });
      }
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: message refused: TooLarge',
      'front: 20 bytes: OK, 20 bytes 599feec9',
      'front: 21 bytes: TOO_LARGE never',
      'front: 300 bytes of status: OK, 300 bytes 138650d7',
      'front: 301 bytes of status: TOO_LARGE done',
      'front: message of 101 bytes: TOO_LARGE never',
      'front: transaction of 21 bytes: TOO_LARGE never',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: message 1, 100 bytes 0114280c',
      'service<0: request, 20 bytes 599feec9',
      'service<0: request, 3 bytes bd481eab',
      'service<0: request, 3 bytes bd481eab',
    ],
  },
  {
    fact: 'a quota of no bytes takes empty bodies alone',
    play: async (stage) => {
      const quota = { messageBytes: 0, parameterBytes: 0, statusBytes: 0 };
      const { front } = await stage.pair({ back: { quota } });
      front.send(new Uint8Array(0));
      front.send(contentOf(1, 1));
      await front.askAloud('nothing', new Uint8Array(0));
      await front.askAloud('a byte', contentOf(1, 1));
      await front.endpoint.whenFlushed();
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: message refused: TooLarge',
      'front: nothing: OK, 0 bytes 811c9dc5',
      'front: a byte: TOO_LARGE never',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: message 1, 0 bytes 811c9dc5',
      'service<0: request, 0 bytes 811c9dc5',
    ],
  },
];
