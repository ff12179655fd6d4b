/** The rule of the soak: that it lets noise pass, and finds what grows or differs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { judge } from './flatness.js';
import { noTally, type Sample } from './sample.js';

const MiB = 1024 * 1024;
const sampleCount = 24;

function series(change: (index: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: sampleCount }, (_, index) => ({
    atMs: index,
    rssBytes: 80 * MiB,
    heapBytes: 6 * MiB,
    externalBytes: 3 * MiB,
    descriptors: 24,
    timersArmed: 1,
    endpoints: 4,
    handles: 6,
    tally: noTally(),
    ...change(index),
  }));
}

test('a warm-up and a single outlier are flat', () => {
  const samples = series((index) => ({
    heapBytes: index < 6 ? index * MiB : 6 * MiB + (index % 3) * 1000 + (index === 20 ? MiB : 0),
    descriptors: index < 3 ? 12 : 24,
  }));
  assert.deepEqual(judge('process', samples), []);
});

test('a slow growth of memory is found in each kind of it', () => {
  for (const name of ['heapBytes', 'externalBytes', 'rssBytes'] as const) {
    const [problem, ...others] = judge(
      'process',
      series((index) => ({ [name]: 6 * MiB + index * 3 * MiB })),
    );
    assert.match(problem ?? '', new RegExp(`^process: ${name} grew by`));
    assert.deepEqual(others, []);
  }
});

test('one descriptor, timer, endpoint or handle too many at the end is found', () => {
  for (const name of ['descriptors', 'timersArmed', 'endpoints', 'handles'] as const) {
    const problems = judge(
      'process',
      series((index) => ({ [name]: index === sampleCount - 1 ? 8 : 7 })),
    );
    assert.deepEqual(problems, [`process: ${name} differ: 7, 8`]);
  }
});

test('too few samples prove nothing', () => {
  assert.match(judge('process', series(() => ({})).slice(0, 7))[0] ?? '', /5 samples/);
});
