/** A programmer error ends its process under its name, and its peer sees one clean disconnect. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AssertionCode, ErrorCode } from 'idc';

import { watchCrash, type Crash } from './crash.js';
import { callMistakes } from './mistakes-in-calls.js';
import { destroyMistakes } from './mistakes-in-destroying.js';
import { handlerMistakes } from './mistakes-in-handlers.js';

const mistakes = Object.keys({ ...callMistakes, ...handlerMistakes, ...destroyMistakes });
/** Made when the epoch is over already, by a goodbye. */
const isAfterGoodbye = /disconnect|disappear|waitUntil|held/;

function codeOf(mistake: string): AssertionCode {
  if (mistake in handlerMistakes) return 'HANDLER_THREW';
  if (mistake in destroyMistakes) return 'DESTROY_AWAITED_IN_DISCONNECT';
  return mistake.includes('complete') ? 'COMPLETED_TWICE' : 'BAD_ARGUMENT';
}

/** Why the peer's epoch with the mistaken endpoint ends. */
function reasonOf(mistake: string): ErrorCode {
  return isAfterGoodbye.test(mistake) ? 'DESTROYED' : 'DISCONNECTED';
}

function check(crash: Crash, mistake: string): void {
  const { exitCode, assertion, witness, subject } = crash;
  assert.equal(assertion, codeOf(mistake));
  assert.notEqual(exitCode, 0);
  assert.deepEqual(witness, {
    connects: 1,
    reasons: ['DISCONNECTED'],
    outcomes: ['DISCONNECTED maybe', 'DISCONNECTED maybe'],
    submitted: 2,
  });
  // Before `connect` there may be no epoch that could end.
  const mayBeEarly = /^(offer|appear)/.test(mistake) && subject.connects === 0;
  assert.deepEqual(subject.reasons, mayBeEarly ? [] : [reasonOf(mistake)]);
  assert.equal(subject.connects, subject.reasons.length);
  assert.equal(subject.outcomes.length, subject.submitted);
}

describe('a programmer error ends the process', { concurrency: 2 }, () => {
  for (const mistake of mistakes) {
    const leaves = mistake.endsWith('begun there');
    it(`${mistake}: ${codeOf(mistake)}`, { timeout: 20_000 }, async ({ signal }) => {
      check(await watchCrash({ mistake, leaves }, signal), mistake);
    });
  }
});
