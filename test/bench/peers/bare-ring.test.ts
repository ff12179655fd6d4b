/** The floor of rings counts what arrived, and answers each round trip. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Durations } from '../durations.js';
import { Payloads } from '../payloads.js';
import { bareRing } from './bare-ring.js';

const payloads = Payloads.equal(1, 64);
/** Of one run, in milliseconds. */
const durationMs = 10;

test('runs of both shapes follow one another', async () => {
  const session = await bareRing.open({
    subject: 'bare-ring',
    workload: 'message-64',
    variant: 'plain',
  });
  // A flood that lost a record rejects.
  for (let run = 0; run < 2; run += 1) {
    assert((await session.flood(payloads, durationMs)) > 0);
    const durations = new Durations();
    await session.roundTrips(payloads, durations, durationMs);
    assert(durations.count > 0);
  }
  await session.close();
});
