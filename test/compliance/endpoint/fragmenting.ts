/** Fragmenting: bodies that no frame holds, cut and joined by core, and what goes on meanwhile. */
import { contentOf, describeBytes } from './content.js';
import { Gate } from './gate.js';
import type { Scenario } from './scenario.js';

const mebibyte = 2 ** 20;

/** Byte lengths around the multiples of a frame; headers are shorter than 40 bytes. */
function lengthsAround(frameBytesMax: number): number[] {
  const lengths: number[] = [];
  for (let frames = 1; frames <= 3; frames++) {
    for (let more = -40; more <= 2; more++) lengths.push(frames * frameBytesMax + more);
  }
  return lengths;
}

export const fragmentingScenarios: readonly Scenario[] = [
  {
    fact: 'messages around the multiples of a frame arrive whole',
    play: async (stage) => {
      stage.domain('measure');
      const lengths = lengthsAround(stage.tap.frameBytesMax);
      const quota = { messages: 4, messageBytes: Math.max(...lengths) };
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      back.isVerbose = false;
      const arrived: string[] = [];
      back.onMessage = (message) => {
        arrived.push(describeBytes(message.body));
        message.complete();
      };
      for (const length of lengths) {
        await front.endpoint.whenWritable({ kind: 'message', byteLength: length });
        await front.post(contentOf(length, length));
      }
      await front.endpoint.whenFlushed();
      const expected = lengths.map((length) => describeBytes(contentOf(length, length)));
      stage.equal(arrived, expected, 'what arrived');
      front.note(`${lengths.length} lengths`);
    },
  },
  {
    fact: 'parameters and status around the multiples of a frame arrive whole',
    play: async (stage) => {
      stage.domain('measure');
      const lengths = lengthsAround(stage.tap.frameBytesMax);
      const most = Math.max(...lengths);
      const quota = { transactions: 2, parameterBytes: most, statusBytes: most };
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      back.isVerbose = false;
      for (const length of lengths) {
        const bytes = contentOf(length, length);
        const answer = await (await front.begin(bytes)).settled.opened;
        stage.equal(answer, `OK done, ${describeBytes(bytes)}`, 'the echo');
      }
      front.note(`${lengths.length} lengths`);
    },
  },
  {
    fact: '1 MiB and 10 MiB: message, parameters, status, and an error with such a status',
    play: async (stage) => {
      const most = 10 * mebibyte;
      const quota = {
        messages: 1,
        messageBytes: most,
        transactions: 1,
        parameterBytes: most,
        statusBytes: most,
      };
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      for (const byteLength of [mebibyte, most]) {
        await front.post(contentOf(1, byteLength));
        await front.endpoint.whenFlushed();
        front.note(await (await front.begin(contentOf(2, byteLength))).settled.opened);
      }
      back.onTransaction = (transaction) => {
        transaction.complete(contentOf(3, mebibyte), 5);
      };
      await front.askAloud('with a code', [contentOf(4, 3), contentOf(5, 4)]);
      await front.post([contentOf(6, most - 3), new Uint8Array(0), contentOf(7, 3)]);
      await front.endpoint.whenFlushed();
    },
  },
  {
    fact: 'a long message does not block a completion, nor what the other end asks',
    play: async (stage) => {
      const quota = { messageBytes: 8 * mebibyte };
      const options = { quota: { ...quota, messages: 2 } };
      const { front, back } = await stage.pair({ front: options, back: options });
      const isHeld = new Gate();
      let answer = (): void => undefined;
      front.onTransaction = (transaction) => {
        answer = () => {
          transaction.complete(contentOf(1, 5));
        };
        isHeld.open();
      };
      const asked = await back.begin(contentOf(2, 5));
      asked.onSettled = (outcome) => {
        back.note(`answered: ${outcome}`);
      };
      await isHeld.opened;
      await front.post(contentOf(3, quota.messageBytes));
      answer();
      await asked.settled.opened;
      stage.equal(back.messageCount, 0, 'messages that came first');
      front.onTransaction = (transaction) => {
        transaction.complete();
      };
      await back.askAloud('asked meanwhile', contentOf(4, 6));
      stage.equal(back.messageCount, 0, 'messages that came first');
      await front.endpoint.whenFlushed();
    },
  },
  {
    fact: 'a long status and a message after it both arrive',
    play: async (stage) => {
      const quota = { statusBytes: 8 * mebibyte, transactions: 4 };
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      back.onTransaction = (transaction) => {
        transaction.complete(contentOf(1, quota.statusBytes));
        void back.post(contentOf(2, 6));
      };
      front.onMessage = (message) => {
        message.complete();
      };
      const asked = await front.begin(contentOf(3, 3));
      stage.note(await asked.settled.opened);
      await stage.until('the message', () => front.messageCount === 1);
    },
  },
  {
    fact: 'a link that breaks in the middle of a long message: nothing of it is delivered',
    play: async (stage) => {
      const quota = { messageBytes: 8 * mebibyte, messages: 2 };
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      for (let epoch = 1; epoch <= 3; epoch++) {
        await front.post(contentOf(epoch, quota.messageBytes));
        await stage.turns(epoch - 1);
        stage.world.sever();
        await stage.seen(front, `connect ${epoch + 1}`);
        await stage.seen(back, `connect ${epoch + 1}`);
      }
      stage.equal(back.messageCount, 0, 'messages');
      await front.post(contentOf(9, 9));
      await front.endpoint.whenFlushed();
      // A medium may have taken all of it before it broke: the counts of disconnect differ.
      for (const { submittedThrough, handledThrough } of front.disconnects) {
        stage.equal([submittedThrough, handledThrough], [1, 0], 'counts');
      }
      stage.mute();
      stage.note(`${back.messageCount} message`);
    },
  },
];
