/** Transacting: the forms of a transaction, their answers, and any order of completion. */
import type { ReceivedTransaction } from '../../../core/index.js';
import { between } from '../random.js';
import { describeError } from './actor.js';
import { contentOf, decodeNumber, describeBytes, encodeNumber } from './content.js';
import { Gate } from './gate.js';
import type { Scenario } from './scenario.js';
import type { Started } from './started.js';

export const transactingScenarios: readonly Scenario[] = [
  {
    fact: 'many outstanding, completed in any order: each gets its own answer',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      back.isVerbose = false;
      const held: ReceivedTransaction[] = [];
      back.onTransaction = (transaction) => held.push(transaction);
      for (let round = 0; round < 5; round++) {
        const started: Started[] = [];
        for (let index = 0; index < 64; index++)
          started.push(await front.begin(encodeNumber(index)));
        await stage.until('all are held', () => held.length === 64);
        while (held.length > 0) {
          const [transaction] = held.splice(between(stage.random, 0, held.length - 1), 1);
          transaction?.complete(contentOf(decodeNumber(transaction.parameters), 33));
        }
        for (const [index, { settled }] of started.entries()) {
          const expected = `OK done, ${describeBytes(contentOf(index, 33))}`;
          stage.equal(await settled.opened, expected, `answer ${index}`);
        }
        front.note(`round ${round}`);
      }
    },
  },
  {
    fact: 'answers come in the order of completion',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const held: ReceivedTransaction[] = [];
      back.onTransaction = (transaction) => held.push(transaction);
      for (let index = 0; index < 4; index++) {
        (await front.begin(contentOf(index, index))).onSettled = (outcome) => {
          front.note(outcome);
        };
      }
      await stage.until('all are held', () => held.length === 4);
      for (const index of [2, 0, 3, 1]) held[index]?.complete(contentOf(index, index));
      await stage.until('all are answered', () => front.lines.length === 6);
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: OK done, 2 bytes d1e0b2a5',
      'front: OK done, 0 bytes 811c9dc5',
      'front: OK done, 3 bytes bd481eab',
      'front: OK done, 1 bytes c20bf3a6',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 0 bytes 811c9dc5',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 2 bytes d1e0b2a5',
      'service<0: request, 3 bytes bd481eab',
    ],
  },
  {
    fact: 'a code of the application is REMOTE with that code and the status',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      for (const code of [1, -1, 42, 2 ** 31 - 1, -(2 ** 31)]) {
        back.onTransaction = (transaction) => {
          transaction.complete(contentOf(5, 3), code);
        };
        await front.askAloud('promise', contentOf(1, 1));
        front.note(await front.start(contentOf(1, 1)).settled.opened);
      }
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: promise: REMOTE 1 done, 3 bytes e5e9baf1',
      'front: REMOTE 1 done, 3 bytes e5e9baf1',
      'front: promise: REMOTE -1 done, 3 bytes e5e9baf1',
      'front: REMOTE -1 done, 3 bytes e5e9baf1',
      'front: promise: REMOTE 42 done, 3 bytes e5e9baf1',
      'front: REMOTE 42 done, 3 bytes e5e9baf1',
      'front: promise: REMOTE 2147483647 done, 3 bytes e5e9baf1',
      'front: REMOTE 2147483647 done, 3 bytes e5e9baf1',
      'front: promise: REMOTE -2147483648 done, 3 bytes e5e9baf1',
      'front: REMOTE -2147483648 done, 3 bytes e5e9baf1',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c20bf3a6',
    ],
  },
  {
    fact: 'nobody listens: UNSUPPORTED, and messages are completed and counted',
    play: async (stage) => {
      const { front, back } = await stage.pair({ back: { hears: 'nothing' } });
      await front.askAloud('asked', contentOf(1, 1));
      for (let index = 0; index < 600; index++) {
        await front.endpoint.whenWritable({ kind: 'message', byteLength: 4 });
        front.send(encodeNumber(index));
      }
      await front.endpoint.whenFlushed();
      const counts = back.endpoint.statistics();
      back.note(`unheard: ${counts.messagesUnheard} messages, ${counts.transactionsUnheard} asked`);
    },
  },
  {
    fact: 'transaction$ is cold: nothing before, and one transaction per subscription',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const answer$ = front.endpoint.transaction$(contentOf(1, 5));
      await front.askAloud('another one', contentOf(2, 6));
      stage.equal(back.requestCount, 1, 'requests before the subscription');
      for (let count = 2; count <= 3; count++) {
        const done = new Gate();
        answer$.subscribe({
          next: (status) => {
            front.note(`next ${describeBytes(status)}`);
          },
          complete: () => {
            front.note('complete');
            done.open();
          },
        });
        await done.opened;
        stage.equal(back.requestCount, count, 'requests');
      }
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: another one: OK, 6 bytes 2f820ca7',
      'front: next 5 bytes d5d98ef6',
      'front: complete',
      'front: next 5 bytes d5d98ef6',
      'front: complete',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 6 bytes 2f820ca7',
      'service<0: request, 5 bytes d5d98ef6',
      'service<0: request, 5 bytes d5d98ef6',
    ],
  },
  {
    fact: 'transaction$ errors with IdcError, and unsubscribing cancels',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const failed = new Gate<string>();
      back.onTransaction = (transaction) => {
        transaction.complete(contentOf(3, 3), 7);
      };
      front.endpoint.transaction$(contentOf(1, 1)).subscribe({
        error: (error: unknown) => {
          failed.open(describeError(error));
        },
      });
      front.note(await failed.opened);
      const held: ReceivedTransaction[] = [];
      back.onTransaction = (transaction) => held.push(transaction);
      const subscription = front.endpoint.transaction$(contentOf(2, 2)).subscribe(() => {
        front.note('an answer after unsubscribing');
      });
      await stage.until('the handler runs', () => held.length === 1);
      subscription.unsubscribe();
      await stage.until('its signal fires', () => held[0]?.signal.aborted === true);
      held[0]?.complete(contentOf(9, 9));
      back.onTransaction = (transaction) => {
        transaction.complete();
      };
      await front.askAloud('asked', contentOf(3, 3));
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: REMOTE 7 done, 3 bytes bd481eab',
      'front: asked: OK, 0 bytes 811c9dc5',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 2 bytes d1e0b2a5',
      'service<0: request, 3 bytes bd481eab',
    ],
  },
  {
    fact: '100,000 transactions through one slot: every generation gets its own answer',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: { quota: { transactions: 1 } } });
      back.isVerbose = false;
      const countMax = 100_000;
      const done = new Gate();
      let count = 0;
      let isRight = true;
      const next = (): void => {
        const { endpoint } = front;
        const ticket = endpoint.transact(encodeNumber(count), settle, undefined);
        isRight &&= ticket >= 0;
        if (ticket < 0) done.open();
      };
      const settle = (
        _context: undefined,
        code: string,
        _execution: string,
        bytes: Uint8Array,
        offset: number,
      ): void => {
        isRight &&= code === 'OK' && decodeNumber(bytes.subarray(offset, offset + 4)) === count;
        count++;
        if (isRight && count < countMax) next();
        else done.open();
      };
      next();
      await done.opened;
      stage.equal([count, isRight], [countMax, true], 'answered');
      front.note(`${count} answered`);
    },
  },
];
