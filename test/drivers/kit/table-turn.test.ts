/**
 * What a back end with a table writes in one turn: at once, before a handler of it is called and
 * before an answer of it is sent, and in order.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createRuntime } from 'idc';
import {
  createBackEnd,
  createFrontEnd,
  createMemoryJournal,
  defineProtocol,
  type FrontEnd,
  type BackEndHandlers,
  type Journal,
} from 'idc/drivers/kit';
import { AnswerTable } from '../../../drivers/kit/answer-table.js';
import { onPair } from './pair.js';

const schema = {
  name: 'slate',
  version: 1,
  transactions: {
    set: {
      parameters: { place: 'uint32', byteLength: 'uint8' },
      effect: 'idempotent',
      range: { from: 'place', length: 'byteLength' },
    },
    look: { parameters: { place: 'uint32' }, effect: 'none' },
  },
  messages: { hint: { to: 'back', fields: { place: 'uint32' } } },
} as const;
const slate = defineProtocol(schema);

/** A journal that tells what is done with it. */
function loggedJournal(log: string[]): Journal {
  const journal = createMemoryJournal();
  return {
    read: () => journal.read(),
    append: (record) => {
      log.push('append 1');
      journal.append(record);
    },
    appendAll: (records) => {
      log.push(`append ${records.length}`);
      for (const record of records) journal.append(record);
    },
    replace: (records) => {
      journal.replace(records);
    },
  };
}

type Slate = typeof schema;

/** Runs `play` with a front end whose back end logs what it handles, and what it writes. */
async function withSlate(
  handlersOf: (log: string[]) => Partial<BackEndHandlers<Slate, unknown>>,
  play: (frontEnd: FrontEnd<Slate>, log: string[]) => Promise<void>,
  journalOf: (log: string[]) => Journal = createMemoryJournal,
): Promise<void> {
  await onPair(async ({ front, back, address }) => {
    const log: string[] = [];
    const nothing = (): undefined => undefined;
    const handlers = { set: nothing, look: nothing, hint: nothing, ...handlersOf(log) };
    const recovery = { kind: 'table', journal: journalOf(log) } as const;
    createBackEnd(back, address, slate, handlers, { recovery });
    const frontEnd = createFrontEnd(front, address, slate, { recover: true });
    await frontEnd.ready();
    log.splice(0);
    await play(frontEnd, log);
  });
}

const places = [0, 1, 2, 3, 4, 5, 6, 7] as const;

it('changes of one turn cost two writes: before the first, and before the answers', async () => {
  await withSlate(
    (log) => ({ set: ({ place }) => void log.push(`set ${place}`) }),
    async (frontEnd, log) => {
      const set = async (place: number): Promise<void> => {
        await frontEnd.set({ place, byteLength: 1 });
        log.push(`answered ${place}`);
      };
      await Promise.all(places.map(set));
      assert.deepEqual(log, [
        'append 8',
        ...places.map((place) => `set ${place}`),
        'append 8',
        ...places.map((place) => `answered ${place}`),
      ]);
    },
    loggedJournal,
  );
});

it('changes of one place in one turn follow one another, each written before', async () => {
  await withSlate(
    (log) => ({ set: ({ byteLength }) => void log.push(`set ${byteLength}`) }),
    async (frontEnd, log) => {
      await Promise.all([1, 2, 3].map((byteLength) => frontEnd.set({ place: 0, byteLength })));
      assert.deepEqual(log, [
        ...['append 1', 'set 1', 'append 1', 'append 1', 'set 2'],
        ...['append 1', 'append 1', 'set 3', 'append 1'],
      ]);
    },
    loggedJournal,
  );
});

it('handlers of one turn are called in the order of what was submitted', async () => {
  await withSlate(
    (log) => ({
      set: ({ place }) => void log.push(`set ${place}`),
      look: ({ place }) => void log.push(`look ${place}`),
      hint: ({ place }) => void log.push(`hint ${place}`),
    }),
    async (frontEnd, log) => {
      await Promise.all([
        frontEnd.look({ place: 1 }),
        frontEnd.hint({ place: 2 }),
        frontEnd.set({ place: 3, byteLength: 1 }),
        frontEnd.look({ place: 4 }),
        frontEnd.hint({ place: 5 }),
        frontEnd.set({ place: 6, byteLength: 1 }),
      ]);
      await frontEnd.look({ place: 7 });
      assert.deepEqual(log, ['look 1', 'hint 2', 'set 3', 'look 4', 'hint 5', 'set 6', 'look 7']);
    },
  );
});

it('nothing is begun or answered that cannot be written', async () => {
  const journal = createMemoryJournal();
  let isFull = false;
  const failing: Journal = {
    ...journal,
    append: (record) => {
      if (isFull) throw new Error('no room');
      journal.append(record);
    },
  };
  const settings = { graceMs: 1, frontEndsMax: 8, statusBytesMax: 16, runtime: createRuntime() };
  const table = new AnswerTable({ journal: failing, ...settings });
  const frontEnd = '01'.repeat(16);
  table.enter(frontEnd, 1);
  isFull = true;
  let begun = 0;
  table.begin(frontEnd, 1, 1, true);
  const waits = [1, 2].map(() =>
    table.whenWritten(() => {
      begun += 1;
    }),
  );
  for (const wait of waits) await assert.rejects(wait, /no room/);
  assert.equal(begun, 0);
  isFull = false;
  table.begin(frontEnd, 2, 1, true);
  const failed = table.whenWritten(() => {
    throw new TypeError('a mistake');
  });
  const beside = table.whenWritten(() => {
    begun += 1;
  });
  await assert.rejects(failed, TypeError);
  await beside;
  assert.equal(begun, 1);
});
