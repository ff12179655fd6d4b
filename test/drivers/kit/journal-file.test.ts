/** Journals: what was appended is there, whatever cut the last record short. */
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { it, type TestContext } from 'node:test';
import { createMemoryJournal, openFileJournal } from 'idc/drivers/kit';
import { checksumOf } from '../../../drivers/kit/checksum.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';

const records = [Uint8Array.of(1), new Uint8Array(0), new Uint8Array(5000).fill(7)];

async function makePath(context: TestContext): Promise<string> {
  return path.join(await makeTemporaryFolder(context), 'journal');
}

function readAll(file: string): readonly Uint8Array[] {
  const journal = openFileJournal(file);
  const all = journal.read();
  journal.close();
  return all;
}

for (const sync of [false, true]) {
  it(`file, sync ${String(sync)}: keeps records over a restart, in order`, async (context) => {
    const file = await makePath(context);
    const journal = openFileJournal(file, { sync });
    for (const record of records) journal.append(record);
    assert.deepEqual(journal.read(), records);
    journal.close();
    const again = openFileJournal(file, { sync });
    again.append(Uint8Array.of(9));
    again.close();
    assert.deepEqual(readAll(file), [...records, Uint8Array.of(9)]);
  });
}

it('file: keeps records that are appended at once, or the first of them', async (context) => {
  const file = await makePath(context);
  const journal = openFileJournal(file);
  const many = [...records, new Uint8Array(100_000).fill(3), Uint8Array.of(4)];
  journal.appendAll?.(many.slice(0, 3));
  journal.appendAll?.(many.slice(3));
  journal.appendAll?.([]);
  assert.deepEqual(journal.read(), many);
  journal.close();
  const whole = readFileSync(file);
  let end = 0;
  for (const [index, record] of many.entries()) {
    end += 8 + record.length;
    for (const cut of [1, Math.min(7, record.length + 7), record.length + 8]) {
      writeFileSync(file, whole.subarray(0, end - cut));
      assert.deepEqual(readAll(file), many.slice(0, index));
    }
  }
});

it('file: puts others in the place of all, and leaves nothing beside', async (context) => {
  const file = await makePath(context);
  const journal = openFileJournal(file);
  for (const record of records) journal.append(record);
  journal.replace([Uint8Array.of(5)]);
  journal.append(Uint8Array.of(6));
  journal.close();
  assert.deepEqual(readAll(file), [Uint8Array.of(5), Uint8Array.of(6)]);
  assert.deepEqual(readdirSync(path.dirname(file)), ['journal']);
});

it('file: a record that was cut short or damaged ends it, and is overwritten', async (context) => {
  const file = await makePath(context);
  const journal = openFileJournal(file);
  for (const record of records) journal.append(record);
  journal.close();
  const whole = readFileSync(file);
  for (let byteLength = whole.length - 1; byteLength > whole.length - 20; byteLength--) {
    writeFileSync(file, whole);
    truncateSync(file, byteLength);
    assert.deepEqual(readAll(file), records.slice(0, 2));
  }
  const damaged = Buffer.from(whole);
  damaged[whole.length - 1] = 8;
  writeFileSync(file, damaged);
  assert.deepEqual(readAll(file), records.slice(0, 2));
  const repaired = openFileJournal(file);
  repaired.append(Uint8Array.of(3));
  repaired.close();
  assert.deepEqual(readAll(file), [...records.slice(0, 2), Uint8Array.of(3)]);
});

it('file: nonsense at its end allocates nothing and is left out', async (context) => {
  const file = await makePath(context);
  const journal = openFileJournal(file);
  journal.append(Uint8Array.of(1));
  journal.close();
  appendFileSync(file, Buffer.alloc(12, 0xff));
  assert.deepEqual(readAll(file), [Uint8Array.of(1)]);
});

it('file: what follows a damaged record does not come back after newer ones', async (context) => {
  const file = await makePath(context);
  const journal = openFileJournal(file);
  for (const byte of [1, 2, 3]) journal.append(Uint8Array.of(byte));
  journal.close();
  const content = readFileSync(file);
  // The second of three records of nine bytes.
  content[17] = 9;
  writeFileSync(file, content);
  const opened = openFileJournal(file);
  opened.append(Uint8Array.of(4));
  opened.close();
  assert.deepEqual(readAll(file), [Uint8Array.of(1), Uint8Array.of(4)]);
});

it('memory: keeps copies', () => {
  const journal = createMemoryJournal();
  const record = Uint8Array.of(1);
  journal.append(record);
  record[0] = 2;
  assert.deepEqual(journal.read(), [Uint8Array.of(1)]);
  journal.replace([record]);
  record[0] = 3;
  assert.deepEqual(journal.read(), [Uint8Array.of(2)]);
});

it('checksum: is CRC-32 by its published check value', () => {
  assert.equal(checksumOf(Buffer.from('123456789')), 0xcbf4_3926);
  assert.equal(checksumOf(new Uint8Array(0)), 0);
});
