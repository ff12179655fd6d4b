/**
 * The answer table: what it keeps, what it forgets, and that its journal does not grow for ever.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createRuntime } from 'idc';
import { createMemoryJournal, type Journal } from 'idc/drivers/kit';
import { AnswerTable, answersMax, compactMin } from '../../../drivers/kit/answer-table.js';

const one = '01'.repeat(16);
const other = '02'.repeat(16);
const status = Uint8Array.of(7, 8);

function makeTable(journal: Journal, frontEndsMax = 8): AnswerTable {
  const runtime = createRuntime();
  return new AnswerTable({ journal, graceMs: 1, frontEndsMax, statusBytesMax: 16, runtime });
}

async function answerOne(table: AnswerTable, frontEnd: string, sequence: number): Promise<void> {
  const entry = table.begin(frontEnd, sequence, 1, true);
  await table.whenWritten(() => {
    table.answer(entry, 0, status);
    return table.whenWritten(() => {
      table.settle(entry);
    });
  });
}

it('keeps an answer until its front end has settled it, and over a restart', async () => {
  const journal = createMemoryJournal();
  const table = makeTable(journal);
  assert.equal(table.enter(one, 1), false);
  await answerOne(table, one, 1);
  await answerOne(table, one, 2);
  assert.equal(table.find(one, 1, 1)?.state, 'answered');
  const restarted = makeTable(journal);
  assert.deepEqual(restarted.id, table.id);
  assert.equal(restarted.enter(one, 1), true);
  assert.deepEqual(restarted.find(one, 2, 1)?.status, status);
  assert.equal(restarted.find(one, 1, 2), undefined, 'it was settled');
  assert.equal(restarted.hasRoom(one, 1), false, 'what was settled does not come again');
  assert.equal(restarted.enter(other, 1), false);
});

it('its journal is compacted to what may still be asked for', async () => {
  const journal = createMemoryJournal();
  const table = makeTable(journal);
  table.enter(one, 1);
  table.enter(other, 1);
  await answerOne(table, other, 1);
  const open = table.begin(other, 2, 3, true);
  for (let sequence = 1; sequence <= 50_000; sequence++) {
    table.find(one, sequence, sequence);
    await answerOne(table, one, sequence);
  }
  assert.ok(journal.read().length < 10_000, `${journal.read().length} records`);
  const restarted = makeTable(journal);
  restarted.enter(other, 1);
  assert.equal(restarted.find(other, 1, 1)?.state, 'answered');
  assert.equal(restarted.find(other, 2, 1)?.state, 'begun');
  assert.equal(restarted.redo.isEmpty, false);
  table.answer(open, 0, status);
});

it('has room for as many answers of one front end, and no more', async () => {
  const table = makeTable(createMemoryJournal());
  table.enter(one, 1);
  for (let sequence = 1; sequence <= answersMax; sequence++) {
    assert.ok(table.hasRoom(one, sequence));
    await answerOne(table, one, sequence);
  }
  assert.equal(table.hasRoom(one, answersMax + 1), false);
  table.find(one, answersMax + 1, 2);
  assert.ok(table.hasRoom(one, answersMax + 1));
});

it('forgets those who were away longest, and never who is connected', () => {
  const table = makeTable(createMemoryJournal(), 2);
  const [first, second, third] = ['0a', '0b', '0c'].map((byte) => byte.repeat(16));
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  table.enter(first, 1);
  table.connected(first);
  table.enter(second, 1);
  table.enter(third, 1);
  assert.equal(table.enter(first, 1), true);
  assert.equal(table.enter(third, 1), true);
  assert.equal(table.enter(second, 1), false);
});

it('a journal of something else is left as it is read: nothing', () => {
  const journal = createMemoryJournal();
  journal.append(Uint8Array.of(250, 1, 2));
  const table = makeTable(journal);
  assert.ok(table.redo.isEmpty);
  assert.equal(table.enter(one, 1), false);
});

it('who comes back after it was forgotten finds another memory, however often it asks', () => {
  const journal = createMemoryJournal();
  const table = makeTable(journal, 1);
  table.enter(one, 1);
  const before = table.memoryFor(one);
  assert.equal(table.enter(one, 1), true);
  assert.deepEqual(table.memoryFor(one), before);
  assert.deepEqual(makeTable(journal, 1).memoryFor(one), before, 'it survives');
  table.enter(other, 1);
  // The answer to the first greeting may be lost, and the second one is known.
  assert.equal(table.enter(one, 1), false);
  assert.equal(table.enter(one, 1), true);
  assert.notDeepEqual(table.memoryFor(one), before);
  assert.notDeepEqual(makeTable(journal, 1).memoryFor(one), before, 'over a restart, too');
});

it('its journal is compacted for those that do nothing but greet, and over restarts', () => {
  const journal = createMemoryJournal();
  for (let life = 0; life < 20; life++) {
    const table = makeTable(journal, 8);
    for (let count = 0; count < 1_000; count++) {
      table.enter((life * 1_000 + count).toString(16).padStart(32, '0'), 1);
    }
  }
  assert.ok(journal.read().length <= compactMin + 10, `${journal.read().length} records`);
});
