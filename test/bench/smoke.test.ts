/** The bench itself: a small case from end to end, the form of its file, and its usage errors. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { runBench } from './run-bench.js';

async function readRows(file: string): Promise<object[]> {
  const rows: unknown = JSON.parse(await readFile(file, 'utf8'));
  assert(Array.isArray(rows));
  return rows.map((row: unknown) => {
    assert(typeof row === 'object' && row !== null);
    return row;
  });
}

function valueOf(row: object, key: string): unknown {
  const found = Object.entries(row).find(([name]) => name === key);
  return found?.[1];
}

test('memory/message-64: a row of ours and one of its peer, printed and in the file', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'idc-bench-'));
  const file = path.join(directory, 'rows.json');
  try {
    const ended = await runBench('--only', '^memory/message-64$', '--runs', '1', '--json', file);
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    assert.equal(ended.stdout.match(/^memory\/message-64 /gm)?.length, 2);
    const rows = await readRows(file);
    assert.deepEqual(
      rows.map((row) => valueOf(row, 'peer')),
      [null, 'messageport'],
    );
    for (const row of rows) assertForm(row);
    assert.deepEqual(valueOf(rows[0] ?? {}, 'ratio'), 1);
  } finally {
    await rm(directory, { recursive: true });
  }
});

function assertForm(row: object): void {
  const keys = ['case', 'transport', 'peer', 'metric', 'value', 'unit', 'ratio'];
  assert.deepEqual(Object.keys(row), keys);
  assert.equal(valueOf(row, 'case'), 'memory/message-64');
  assert.equal(valueOf(row, 'transport'), 'memory');
  assert.equal(valueOf(row, 'metric'), 'rate');
  assert.equal(valueOf(row, 'unit'), 'msg/s');
  assert(Number.isFinite(valueOf(row, 'value')));
  assert(Number.isFinite(valueOf(row, 'ratio')));
}

for (const [mistake, words] of [
  ['a pattern that is no regular expression', ['--only', '[']],
  ['a pattern that matches no case', ['--only', 'no such case']],
  ['a number of runs that is none', ['--runs', '0']],
  ['an unknown option', ['--fast']],
  ['a word that is no option', ['fast']],
  ['rows without charts', ['--from', 'rows.json']],
  ['charts with the file of the table', ['--charts', 'charts', '--json', 'rows.json']],
  ['rows that are not there', ['--charts', tmpdir(), '--from', '/no such file']],
  ['a folder that cannot be made', ['--charts', '/dev/null/charts']],
  ['a pattern that matches no chart', ['--charts', 'charts', '--only', 'no such case']],
  ['a file that cannot be written', ['--json', '/no such directory/rows.json']],
] as const) {
  test(`${mistake}: one line and exit code 2`, async () => {
    const { code, stdout, stderr } = await runBench(...words);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^bench: .+\n$/);
  });
}

test('--list names the cases and measures nothing', async () => {
  const { code, stdout } = await runBench('--list', '--only', '^tcp/message-64');
  assert.deepEqual([code, stdout], [0, 'tcp/message-64\n']);
});

test('--help tells the options and measures nothing', async () => {
  const { code, stdout, stderr } = await runBench('--help');
  assert.deepEqual([code, stderr], [0, '']);
  for (const option of ['--only', '--runs', '--list', '--json', '--charts', '--from', '--help']) {
    assert(stdout.includes(`  ${option}`), option);
  }
});

test('the stripped loop stands beside ours, and what reliability costs is told', async () => {
  const ended = await runBench('--only', '^(memory|tcp)/stripped-64$', '--runs', '1');
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
  for (const name of ['memory/stripped-64', 'tcp/stripped-64']) {
    const lines = ended.stdout.split('\n').filter((line) => line.startsWith(`${name} `));
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? '', / stripped +rate /);
    assert.match(ended.stdout, new RegExp(`# ${name}: reliability costs -?\\d+ %`));
  }
});

test('rings between processes and threads: event loops and plain loops end', async () => {
  const names = ['ring-process/message-random', 'ring-process/message-random:poll'];
  names.push('ring-thread/message-random', 'ring-shared/message-random:poll');
  const ended = await runBench('--only', `^(${names.join('|')})$`, '--runs', '1');
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
  for (const name of names) {
    const lines = ended.stdout.split('\n').filter((line) => line.startsWith(`${name} `));
    const [ours, ...peers] = lines;
    assert.match(ours ?? '', / - +rate +[\d,]+ msg\/s +1\.00$/);
    assert(peers.length > 0, name);
  }
});
