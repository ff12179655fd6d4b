/** The reader of `ucx_perftest`'s figures, on what version 1.13.1 printed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseUcxOutput } from './ucx-output.js';

const head =
  'iterations,50.0_percentile_lat,avg_lat,overall_lat,avg_bw,overall_bw,avg_mr,overall_mr\n';

test('a flood: ucx_perftest -t tag_bw -s 64 -n 100000 -f -v', () => {
  const output = `${head}100000,0.803,1.346,1.346,45.36,45.36,743102,743102\n`;
  assert.deepEqual(parseUcxOutput(output), {
    items: 100_000,
    medianUs: 0.803,
    averageUs: 1.346,
    messagesPerSecond: 743_102,
  });
});

test('a latency: the figures of the whole run; -t tag_lat -s 64 -n 20000 -f -v', () => {
  const output = `${head}20000,4.813,30.721,99.403,1.99,0.61,32551,10060\n`;
  assert.deepEqual(parseUcxOutput(output), {
    items: 20_000,
    medianUs: 4.813,
    averageUs: 99.403,
    messagesPerSecond: 10_060,
  });
});

test('a short number of iterations is padded: -t ucp_put_bw -s 1048576 -n 100 -f -v', () => {
  const { items, messagesPerSecond } = parseUcxOutput(
    `${head} 100,21.573,21.882,21.882,45699.54,45699.54,45700,45700\n`,
  );
  assert.deepEqual([items, messagesPerSecond], [100, 45_700]);
});

test('averages since the last report that do not exist: -t ucp_am_bw -s 262144 -f -v', () => {
  const output = `${head} 100,0.531,inf,27953.751,0.00,8.94,0,36\n`;
  assert.deepEqual(parseUcxOutput(output), {
    items: 100,
    medianUs: 0.531,
    averageUs: 27953.751,
    messagesPerSecond: 36,
  });
});

/** The same figures without -v, their columns cut to the first four. */
const table = [
  '+--------------+--------------+------------------------------+',
  '|     Test     | # iterations | 50.0%ile | average | overall |',
  '+--------------+--------------+----------+---------+---------+',
  '                      100000      0.813     1.807     1.807   ',
].join('\n');

for (const [what, output] of [
  ['nothing', ''],
  ['the table for people', table],
  ['a head alone', head],
  ['a column less', `${head}100000,0.803,1.346,1.346,45.36,45.36,743102\n`],
  ['a column of another name', `${head.replace('50.0', '99.0')}1,1,1,1,1,1,1,1\n`],
  ['columns in another order', `${head.replace('avg_lat,overall_lat', 'overall_lat,avg_lat')}1\n`],
  ['what is no number', `${head}100000,nan,1.346,1.346,45.36,45.36,743102,743102\n`],
  ['a time of the whole run that is none', `${head} 100,0.531,1,inf,0.00,8.94,0,36\n`],
  ['a thousands separator', `${head}100,000,0.8,1.3,1.3,45.3,45.3,743102,743102\n`],
  ['a warning before the figures', `UCX  WARN  unused variable\n${head}1,1,1,1,1,1,1,1\n`],
] as const) {
  test(`${what} is an error that shows it`, () => {
    assert.throws(
      () => parseUcxOutput(output),
      (error: Error) =>
        !error.message.includes('\n') && error.message.endsWith(JSON.stringify(output)),
    );
  });
}
