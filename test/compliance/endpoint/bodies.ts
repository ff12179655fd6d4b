/** Bodies: empty ones, lists of parts, and who may touch which bytes when. */
import type { Bytes } from '../../../core/index.js';
import { contentOf, describeBytes, joinBytes } from './content.js';
import type { Scenario } from './scenario.js';

const empty = new Uint8Array(0);

function lists(): Readonly<Record<string, readonly Uint8Array[]>> {
  return {
    'an empty list': [],
    'an empty part': [empty],
    'empty parts': [empty, empty, empty],
    'one part': [contentOf(1, 10)],
    'parts among empty ones': [empty, contentOf(2, 3), empty, contentOf(3, 4), empty],
    'parts of odd lengths': [contentOf(4, 1), contentOf(5, 3), contentOf(6, 5), contentOf(7, 7)],
    'many parts': Array.from({ length: 500 }, (_none, index) => contentOf(index, index % 9)),
  };
}

export const bodyScenarios: readonly Scenario[] = [
  {
    fact: 'empty bodies, parameters and status',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      front.send(empty);
      back.onTransaction = (transaction) => {
        transaction.complete();
      };
      await front.askAloud('asked', empty);
      await front.endpoint.whenFlushed();
    },
  },
  {
    fact: 'a list of parts arrives joined: messages, parameters and status',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      for (const [what, parts] of Object.entries(lists())) {
        const expected = describeBytes(joinBytes(parts));
        back.onMessage = (message) => {
          stage.equal(describeBytes(message.body), expected, what);
          message.complete();
        };
        back.onTransaction = (transaction) => {
          stage.equal(describeBytes(transaction.parameters), expected, what);
          transaction.complete(parts);
        };
        front.send(parts);
        await front.askAloud(what, parts);
      }
      await front.endpoint.whenFlushed();
    },
  },
  {
    fact: 'submitted bytes are the caller`s again when submit returns',
    play: async (stage) => {
      const { front } = await stage.pair();
      const bytes = contentOf(1, 64);
      front.send(bytes);
      bytes.fill(0);
      bytes.set(contentOf(2, 64));
      const asked = front.askAloud('asked', bytes);
      bytes.fill(0);
      await asked;
      await front.endpoint.whenFlushed();
    },
  },
  {
    fact: 'a status is the responder`s again after complete; the caller has a private copy',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const status = contentOf(1, 64);
      back.onTransaction = (transaction) => {
        transaction.complete(status);
        status.fill(0);
      };
      const first = await front.endpoint.submitTransaction(empty);
      const before = describeBytes(first);
      status.set(contentOf(2, 64));
      await front.askAloud('another', empty);
      stage.equal(describeBytes(first), before, 'the first answer has not changed');
      stage.equal(first.byteLength, first.buffer.byteLength, 'it has its memory to itself');
    },
  },
  {
    fact: '`into` is filled and answered; a status too long for it is TOO_LARGE, done',
    play: async (stage) => {
      const { front } = await stage.pair();
      const into = new Uint8Array(16);
      const parameters: Bytes = contentOf(1, 10);
      const filled = await front.endpoint.submitTransaction(parameters, { into });
      stage.check(filled.buffer === into.buffer, 'it is a view of `into`');
      front.note(describeBytes(filled));
      await front.askAloud('exactly', contentOf(2, 16), { into });
      await front.askAloud('one more', contentOf(3, 17), { into });
    },
  },
  {
    fact: 'bytes, offset and byteLength of a received item are those of its view',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      back.onMessage = (message) => {
        const { bytes, offset, byteLength } = message;
        back.note(`bytes ${describeBytes(bytes.subarray(offset, offset + byteLength))}`);
        message.complete();
      };
      back.onTransaction = (transaction) => {
        const { bytes, offset, byteLength } = transaction;
        back.note(`bytes ${describeBytes(bytes.subarray(offset, offset + byteLength))}`);
        transaction.complete();
      };
      for (let index = 0; index < 3; index++) {
        front.send(contentOf(index, 10 * index));
        await front.askAloud('asked', contentOf(9 + index, 7 * index));
      }
      await front.endpoint.whenFlushed();
    },
  },
];
