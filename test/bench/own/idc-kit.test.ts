/** The case of the driver kit: it stands beside the raw transaction, and both can be measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cases } from '../cases.js';
import { peers } from '../peers/index.js';
import { peersBeside, runCase } from '../run-case.js';

test('ring-process/kit-transaction-64: a row of ours and one of the raw transaction', async () => {
  const kitCase = cases.find(({ name }) => name === 'ring-process/kit-transaction-64');
  assert(kitCase);
  const { rows, problems } = await runCase(kitCase, peersBeside(kitCase, peers), 1);
  assert.deepEqual(problems, []);
  const medians = rows.filter(({ metric }) => metric === 'p50');
  assert.deepEqual(
    medians.map(({ peer }) => peer),
    [null, 'raw'],
  );
  for (const { value, ratio } of medians) assert(value > 0 && ratio > 0);
});
