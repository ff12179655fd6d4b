/** The revocation attack on regions, some rounds of it: `IDC_REVOCATIONS=1000` makes them more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { residentSharedBytes } from '../unit/ring-region-rig.js';
import { Attack } from './attack.js';

const rounds = Number(process.env['IDC_REVOCATIONS'] ?? 24);
function describeTimes(milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number): string => {
    return ((sorted[Math.floor(sorted.length * share)] ?? 0) * 1000).toFixed(0);
  };
  return `revoke p50 ${at(0.5)} us, p99 ${at(0.99)} us`;
}

test(`${rounds} revocations under attack: no byte changes, none is learnt`, async (context) => {
  const attack = new Attack();
  const resident = residentSharedBytes();
  try {
    await attack.begin();
    for (let round = 1; round <= rounds; round++) {
      await attack.play(round);
      assert.equal(residentSharedBytes(), resident, 'no shared page is left');
    }
  } finally {
    await attack.end();
  }
  context.diagnostic(`${attack.kills} killed and ${attack.stops} stopped in mid-access`);
  context.diagnostic(`${attack.samples} samples; ${describeTimes(attack.revokeMs)}`);
});
