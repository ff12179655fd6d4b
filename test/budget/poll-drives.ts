/**
 * What a pair of one thread is put through in a plain loop that polls both ends: messages, or
 * transactions in their hot form, as many under way as the quota allows.
 */
import assert from 'node:assert/strict';
import type { Effort, Payloads } from './measure.js';
import { countCompletion, Tally, type Pair } from './pair.js';

/** Enough for the compiler to settle, at the rates of a plain loop. */
export const pollEffort: Effort = { warmUpSteps: 200_000, stepsPerRound: 40_000 };

function poll({ front, back }: Pair): void {
  front.poll();
  back.poll();
}

export function driveMessages(pair: Pair, payloads: Payloads): (count: number) => void {
  const { endpoint, received } = pair;
  return (count) => {
    const end = received.count + count;
    let left = count;
    while (received.count < end) {
      while (left > 0 && endpoint.submitMessage(payloads.current) >= 0) {
        payloads.advance();
        left--;
      }
      poll(pair);
    }
  };
}

export function driveTransactions(pair: Pair, payloads: Payloads): (count: number) => void {
  const { endpoint } = pair;
  const tally = new Tally();
  return (count) => {
    const end = tally.settled + count;
    let left = count;
    while (tally.settled < end) {
      while (left > 0 && endpoint.transact(payloads.current, countCompletion, tally) >= 0) {
        payloads.advance();
        left--;
      }
      poll(pair);
    }
    assert.equal(tally.wrong, 0);
  };
}
