/** The charts: drawn from few rows in a folder of their own, and the rows read back. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { runBench } from '../run-bench.js';
import { drawCharts } from './charts.js';
import { formatSweep, parseSweep, type SweepFile, type SweepRow } from './sweep-file.js';

const machine = 'A processor, 2 cores, Linux, Node v20.0.0';

function makeRows(series: string, factor: number): SweepRow[] {
  return [8, 64, 1024 * 1024].flatMap((bytes): SweepRow[] => [
    { medium: 'tcp', series, metric: 'messages-per-second', bytes, value: factor * 1e6 },
    { medium: 'tcp', series, metric: 'round-trip-us', bytes, value: factor * 1e3 },
  ]);
}

const few: SweepFile = {
  machine,
  rows: [...makeRows('net', 1), ...makeRows('IDC tcp', 3)],
};

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'idc-charts-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What a reader sees in a drawing. */
function textsOf(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1] ?? '');
}

test('each chart of a medium with rows names its axes, lines and machine', async () => {
  const drawings = await drawCharts(few);
  assert.deepEqual(
    drawings.map(({ fileName }) => fileName),
    ['tcp-rate.svg', 'tcp-throughput.svg', 'tcp-round-trip.svg'],
  );
  const valueTitles = ['messages per second', 'gigabytes per second', 'microseconds'];
  for (const [index, { svg }] of drawings.entries()) {
    const texts = textsOf(svg);
    for (const expected of ['8 B', '64 B', '1 MiB', 'bytes in each message', machine]) {
      assert(texts.includes(expected), expected);
    }
    assert(texts.includes(valueTitles[index] ?? ''));
    assert(texts.indexOf('IDC tcp') < texts.indexOf('net'), 'ours stands first in the legend');
    assert(!/NaN|Infinity|undefined|<script/.test(svg));
    assert.match(svg, /^<svg [^>]*>\s*<rect [^>]*fill="#ffffff"/, 'it has a ground of its own');
  }
});

test('a line has a point for each row, and faster is higher', async () => {
  const [rate] = await drawCharts(few);
  const paths = [...(rate?.svg ?? '').matchAll(/class="mark-line.*?<path [^>]*?\bd="M([^"]*)"/g)];
  const heights = paths.map(([, shape = '']) => {
    const points = shape.split('L');
    assert.equal(points.length, 3);
    return Number(points[0]?.split(',')[1]);
  });
  const [net = 0, ours = 0] = heights;
  assert.equal(heights.length, 2);
  assert(ours < net, 'heights count from the top');
});

test('--from draws the rows of a file, the same each time', () =>
  inFolder(async (folder) => {
    const from = path.join(folder, 'measured.json');
    await writeFile(from, formatSweep(few));
    const read = async (target: string): Promise<string[]> => {
      const ended = await runBench('--charts', target, '--from', from);
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      const names = (await readdir(target)).sort();
      assert.deepEqual(names, [
        'rows.json',
        'tcp-rate.svg',
        'tcp-round-trip.svg',
        'tcp-throughput.svg',
      ]);
      return Promise.all(names.map((name) => readFile(path.join(target, name), 'utf8')));
    };
    const first = await read(path.join(folder, 'first'));
    assert.deepEqual(await read(path.join(folder, 'second')), first);
    assert.deepEqual(parseSweep(first[0] ?? ''), few);
  }));

test('a measured sweep of one length: ours and a peer, in the file and drawn', () =>
  inFolder(async (folder) => {
    const only = '^charts/tcp/message-8$';
    const ended = await runBench('--charts', folder, '--only', only, '--runs', '1');
    const { machine: caption, rows } = parseSweep(
      await readFile(path.join(folder, 'rows.json'), 'utf8'),
    );
    const series = rows.map((row) => row.series);
    assert.deepEqual(series.slice(0, 2), ['IDC tcp', 'net'], ended.stderr);
    assert(rows.every(({ bytes, metric }) => bytes === 8 && metric === 'messages-per-second'));
    const svg = await readFile(path.join(folder, 'tcp-rate.svg'), 'utf8');
    assert(textsOf(svg).includes(caption));
  }));

for (const [what, text] of [
  ['no JSON', '{'],
  ['no machine', '{"rows":[]}'],
  ['no rows', '{"machine":"m"}'],
  ['a row without a value', '{"machine":"m","rows":[{"medium":"tcp"}]}'],
] as const) {
  test(`a file with ${what} is a usage error`, () =>
    inFolder(async (folder) => {
      const from = path.join(folder, 'rows.json');
      await writeFile(from, text);
      const { code, stdout, stderr } = await runBench('--charts', folder, '--from', from);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^bench: --from: .+\n$/);
    }));
}
