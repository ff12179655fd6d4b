/** Flowing: waiting for room and for completions. */
import type { ReceivedMessage } from '../../../core/index.js';
import { Refusal } from '../../../core/index.js';
import { between } from '../random.js';
import { describeError, type Actor } from './actor.js';
import { contentOf, decodeNumber, encodeNumber } from './content.js';
import type { Scenario } from './scenario.js';

/** Writes how the promise settles to the transcript. */
async function noteEnd(actor: Actor, what: string, work: Promise<void>): Promise<void> {
  try {
    await work;
    actor.note(`${what}: done`);
  } catch (error) {
    actor.note(`${what}: ${describeError(error)}`);
  }
}

export const flowingScenarios: readonly Scenario[] = [
  {
    fact: 'whenWritable is served in order, and who is served has room',
    play: async (stage) => {
      const { front, back } = await stage.pair({ back: { quota: { messages: 2 } } });
      const held: ReceivedMessage[] = [];
      back.onMessage = (message) => held.push(message);
      await front.post(encodeNumber(0));
      await front.post(encodeNumber(1));
      const waiters = [2, 3, 4, 5, 6].map(async (number) => {
        await front.endpoint.whenWritable({ kind: 'message', byteLength: 4 });
        front.note(`served ${number}`);
        front.send(encodeNumber(number));
      });
      for (let count = 1; count <= 7; count++) {
        await stage.until('one is held', () => held.length > 0);
        held.shift()?.complete();
      }
      await Promise.all(waiters);
      await front.endpoint.whenFlushed();
      stage.equal(back.messageCount, 7, 'messages');
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: served 2',
      'front: served 3',
      'front: served 4',
      'front: served 5',
      'front: served 6',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: message 1, 4 bytes 4b95f515',
      'service<0: message 2, 4 bytes 4a95f382',
      'service<0: message 3, 4 bytes 4995f1ef',
      'service<0: message 4, 4 bytes 4895f05c',
      'service<0: message 5, 4 bytes 4795eec9',
      'service<0: message 6, 4 bytes 4695ed36',
      'service<0: message 7, 4 bytes 4595eba3',
    ],
  },
  {
    fact: 'whenWritable rejects: NOT_CONNECTED before, then DISCONNECTED, DESTROYED after',
    play: async (stage) => {
      const service = await stage.listen(stage.domain('back'), 'service', {
        quota: { messages: 1, transactions: 1 },
      });
      const front = stage.dial(stage.domain('front'), 'front', service.address);
      const { endpoint } = front;
      const request = { kind: 'message', byteLength: 1 } as const;
      await noteEnd(front, 'before', endpoint.whenWritable(request));
      await noteEnd(front, 'flush before', endpoint.whenFlushed());
      const back = await stage.connected(front, service);
      const held: ReceivedMessage[] = [];
      back.onMessage = (message) => held.push(message);
      front.send(contentOf(1, 1));
      await stage.until('it is held', () => held.length === 1);
      const waits = [
        noteEnd(front, 'writable', endpoint.whenWritable(request)),
        noteEnd(front, 'flushed', endpoint.whenFlushed()),
      ];
      stage.tap.cut('front');
      stage.world.sever();
      await Promise.all(waits);
      await stage.until('the back lost it', () => back.disconnects.length === 1);
      await endpoint.destroy();
      await noteEnd(front, 'after', endpoint.whenWritable(request));
      await noteEnd(front, 'flush after', endpoint.whenFlushed());
      held[0]?.complete();
    },
    told: [
      'front: before: NOT_CONNECTED never',
      'front: flush before: NOT_CONNECTED never',
      'front: appear',
      'front: connect 1',
      'front: disconnect 1 DISCONNECTED submitted 1 handled 0 never 2',
      'front: writable: DISCONNECTED never',
      'front: flushed: DISCONNECTED maybe',
      'front: disappear',
      'front: destroyed',
      'front: after: DESTROYED never',
      'front: flush after: DESTROYED never',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: message 1, 1 bytes c20bf3a6',
      'service<0: disconnect 1 DISCONNECTED submitted 0 handled 0 never 1',
    ],
  },
  {
    fact: 'whenFlushed is exact, whatever the order of completion',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const held: ReceivedMessage[] = [];
      back.onMessage = (message) => held.push(message);
      await noteEnd(front, 'nothing to flush', front.endpoint.whenFlushed());
      const flushed: boolean[] = [];
      for (let index = 0; index < 5; index++) {
        await front.post(contentOf(index, 1));
        void front.endpoint.whenFlushed().then(() => (flushed[index] = true));
        flushed.push(false);
      }
      await stage.until('all are held', () => held.length === 5);
      const seen: string[] = [];
      for (const index of [1, 0, 4, 3, 2]) {
        held[index]?.complete();
        // A round trip after the completion: its credit has arrived by then.
        await front.ask(contentOf(9, 1));
        await stage.turns(2);
        seen.push(flushed.map((is) => (is ? 'x' : '-')).join(''));
      }
      stage.equal(seen, ['-----', 'xx---', 'xx---', 'xx---', 'xxxxx'], 'what is flushed');
      front.note(seen.join(' '));
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: nothing to flush: done',
      'front: ----- xx--- xx--- xx--- xxxxx',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: message 1, 1 bytes c70bfb85',
      'service<0: message 2, 1 bytes c20bf3a6',
      'service<0: message 3, 1 bytes c80bfd18',
      'service<0: message 4, 1 bytes d70c14b5',
      'service<0: message 5, 1 bytes dd0c1e27',
      'service<0: request, 1 bytes f10c3da3',
      'service<0: request, 1 bytes f10c3da3',
      'service<0: request, 1 bytes f10c3da3',
      'service<0: request, 1 bytes f10c3da3',
      'service<0: request, 1 bytes f10c3da3',
    ],
  },
  {
    fact: 'messages and requests, short and long, are handled in submit order',
    play: async (stage) => {
      const quota = {
        messages: 4,
        messageBytes: 300_000,
        transactions: 4,
        parameterBytes: 300_000,
      };
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      back.onTransaction = (transaction) => {
        transaction.complete();
      };
      for (let index = 0; index < 40; index++) {
        const body = contentOf(index, index % 3 === 0 ? 299_000 - index : index);
        if (between(stage.random, 0, 1) === 0) {
          await front.endpoint.whenWritable({ kind: 'message', byteLength: body.length });
          await front.post(body);
        } else {
          await front.begin(body);
        }
      }
      await front.endpoint.whenFlushed();
      await stage.until('all are handled', () => back.messageCount + back.requestCount === 40);
    },
  },
  {
    fact: 'a medium that is full: BACK_PRESSURED, and everything arrives in order',
    play: async (stage) => {
      const quota = { messages: 4096, messageBytes: 16 * 1024 };
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      back.isVerbose = false;
      let expected = 0;
      back.onMessage = (message) => {
        if (decodeNumber(message.body) !== expected) stage.violate(`not message ${expected}`);
        expected++;
        message.complete();
      };
      let pressed = 0;
      for (let index = 0; index < 2000; index++) {
        const body = contentOf(index, 16 * 1024);
        body.set(encodeNumber(index));
        let answer = front.endpoint.submitMessage(body);
        while (answer < 0) {
          if (answer === Refusal.BackPressured) pressed++;
          else stage.equal(answer, Refusal.Quota, 'refusal');
          await front.endpoint.whenWritable({ kind: 'message', byteLength: body.length });
          answer = front.endpoint.submitMessage(body);
        }
      }
      await front.endpoint.whenFlushed();
      stage.check(pressed > 0, 'the medium was full at some time');
      stage.equal(expected, 2000, 'messages');
      back.note(`${expected} messages in order`);
    },
  },
];
