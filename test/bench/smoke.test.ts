/** The bench itself: a small case from end to end, the form of its file, and its usage errors. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./main.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function runBench(...words: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code: child.exitCode, stdout, stderr };
}

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
  ['a file that cannot be written', ['--json', '/no such directory/rows.json']],
] as const) {
  test(`${mistake}: one line and a non-zero exit`, async () => {
    const { code, stdout, stderr } = await runBench(...words);
    assert.notEqual(code, 0);
    assert.equal(stdout, '');
    assert.match(stderr, /^bench: .+\n$/);
  });
}

test('--list names the cases and measures nothing', async () => {
  const { code, stdout } = await runBench('--list', '--only', '^tcp/message-64');
  assert.deepEqual([code, stdout], [0, 'tcp/message-64\n']);
});
