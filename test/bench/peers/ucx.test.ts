/** The peers of UCX as programs: measured where they are installed, left out where they are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Case } from '../cases.js';
import { isErrorCode } from '../narrow.js';
import { runCase } from '../run-case.js';
import { workloads } from '../workload.js';
import { peers } from './index.js';
import type { Peer } from './peer.js';
import { parseUcxOutput } from './ucx-output.js';
import { runUcx } from './ucx-run.js';

const ucxPeers = peers.filter(({ name }) => name.startsWith('ucx-'));

async function withoutPath<T>(run: () => Promise<T>): Promise<T> {
  const { PATH } = process.env;
  process.env['PATH'] = '';
  try {
    return await run();
  } finally {
    process.env['PATH'] = PATH;
  }
}

test('where it is not installed every peer of UCX is missing, for one reason', async () => {
  for (const peer of ucxPeers) {
    assert.deepEqual(await withoutPath(() => peer.start('message-64')), {
      kind: 'missing',
      reason: 'ucx_perftest is not installed (package ucx-utils)',
    });
  }
});

test('where it is installed a run of 100 messages is read', async () => {
  const command = { test: 'tag_bw', media: 'tcp,self', itemBytes: 64, items: 100 };
  const output = await runUcx(command).catch((error: unknown) => {
    if (!isErrorCode(error, 'ENOENT')) throw error;
    return undefined;
  });
  if (output !== undefined) assert.equal(parseUcxOutput(output).items, 100);
});

test('a test that it does not know is an error that shows what it said', async () => {
  const command = { test: 'no_such_test', media: 'tcp,self', itemBytes: 64, items: 1 };
  await assert.rejects(runUcx(command), /ENOENT|Invalid option argument for -t/);
});

test('what it has no test for it does not measure', () => {
  const namesFor = (workload: keyof typeof workloads): string[] =>
    ucxPeers.filter((peer) => peer.measures(workloads[workload])).map(({ name }) => name);
  assert.deepEqual(namesFor('message-random'), []);
  assert.deepEqual(namesFor('stripped-64'), []);
  assert.deepEqual(namesFor('transaction-64'), ['ucx-tag-tcp', 'ucx-tag-shm']);
  assert.equal(namesFor('message-1MiB').length, 5);
});

test('those missing for one reason share one line', async () => {
  const figures = [{ metric: 'rate', unit: 'msg/s', value: 1 }] as const;
  const contender = {
    note: 'a note',
    run: () => Promise.resolve(figures),
    stop: () => Promise.resolve(),
  };
  const theCase: Case = {
    name: 'a case',
    transport: 'tcp',
    workload: 'message-64',
    isBusy: false,
    start: () => Promise.resolve({ kind: 'ready', contender }),
  };
  const missing = (name: string, reason: string): Peer => ({
    name,
    medium: 'tcp',
    besides: ['tcp'],
    measures: () => true,
    start: () => Promise.resolve({ kind: 'missing', reason }),
  });
  const besides = [missing('a', 'no x'), missing('b', 'no y'), missing('c', 'no x')];
  const { notes, problems, rows } = await runCase(theCase, besides, 1);
  assert.deepEqual(notes, ['idc: a note', 'a, c: left out, no x', 'b: left out, no y']);
  assert.deepEqual([problems, rows.length], [[], 1]);
});
