/**
 * The revocation attack on buffers of a domain, in both modes: for some seconds, or so many rounds
 * as `IDC_REVOCATIONS` says.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DomainAttack } from './domain-attack.js';

const roundsChosen = process.env['IDC_REVOCATIONS'];
/** Without a choice: so many at least, which are stopped and killed over each transport. */
const roundsMin = 5;
const roundsMs = 4000;

function describeTimes(milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number): string => {
    return ((sorted[Math.floor(sorted.length * share)] ?? 0) * 1000).toFixed(0);
  };
  return `unregister p50 ${at(0.5)} us, p99 ${at(0.99)} us`;
}

for (const mode of ['copy', 'map'] as const) {
  test(`a buffer in ${mode} mode is taken back under attack`, async (context) => {
    const attack = new DomainAttack(mode);
    const untilMs = performance.now() + roundsMs;
    const isEnough = (round: number): boolean => {
      if (roundsChosen !== undefined) return round > Number(roundsChosen);
      return round > roundsMin && performance.now() > untilMs;
    };
    let round = 1;
    try {
      await attack.begin();
      for (; !isEnough(round); round++) await attack.play(round);
    } finally {
      await attack.end();
    }
    const { kills, stops, transfers, unregisterMs } = attack;
    assert.ok(kills > 0 && stops > 0);
    context.diagnostic(`${round - 1} rounds: ${stops} stopped and ${kills} killed in mid-access`);
    context.diagnostic(`${transfers} transfers; ${describeTimes(unregisterMs)}`);
  });
}
