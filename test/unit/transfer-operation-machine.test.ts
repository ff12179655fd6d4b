/** The table of an operation: every cell. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  actionOf,
  OperationAction,
  OperationEvent,
  OperationState,
  operationTable,
  stateOf,
  stepOperation,
} from '../../core/transfer/operation-machine.js';

const events = Object.keys(OperationEvent);

/** In the columns' order; `next` and after `/` what is done. */
const expected: Readonly<Record<keyof typeof OperationState, readonly string[]>> = {
  Seeking: [
    'Running / Run',
    'Seeking / None',
    'Seeking / None',
    'Seeking / Illegal',
    'Seeking / None',
    'Settled / Settle',
    'Seeking / None',
    'Settled / Settle',
  ],
  Running: [
    'Running / Illegal',
    'Paused / Hold',
    'Running / None',
    'Running / Run',
    'Broken / Cancel',
    'Ending / Cancel',
    'Running / None',
    'Settled / Settle',
  ],
  Paused: [
    'Paused / Illegal',
    'Paused / Hold',
    'Running / Run',
    'Paused / None',
    'Broken / Cancel',
    'Ending / Cancel',
    'Paused / None',
    'Paused / Illegal',
  ],
  Broken: [
    'Broken / Illegal',
    'Broken / None',
    'Broken / None',
    'Broken / None',
    'Broken / None',
    'Ending / None',
    'Seeking / Seek',
    'Settled / Settle',
  ],
  Ending: [
    'Ending / Illegal',
    'Ending / None',
    'Ending / None',
    'Ending / None',
    'Ending / None',
    'Ending / None',
    'Settled / Settle',
    'Settled / Settle',
  ],
  Settled: [
    'Settled / Illegal',
    'Settled / None',
    'Settled / None',
    'Settled / None',
    'Settled / None',
    'Settled / None',
    'Settled / None',
    'Settled / None',
  ],
};

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  const [name] = Object.entries(names).find(([, number]) => number === value) ?? [];
  return name ?? assert.fail(`no name for ${value}`);
}

describe('the table of an operation', () => {
  for (const [state, cells] of Object.entries(expected)) {
    for (const [index, cell] of cells.entries()) {
      it(`${state}: ${events[index] ?? ''} -> ${cell}`, () => {
        // reason: the keys of `expected` are those of `OperationState`
        const from = OperationState[state as keyof typeof OperationState];
        // reason: the index counts the events
        const packed = stepOperation(from, index as OperationEvent);
        const next = nameOf(OperationState, stateOf(packed));
        assert.equal(`${next} / ${nameOf(OperationAction, actionOf(packed))}`, cell);
        assert.deepEqual(operationTable[from][index], [stateOf(packed), actionOf(packed)]);
      });
    }
  }

  it('never leaves Settled, and settles once on every path', () => {
    const states = Object.values(OperationState);
    for (const state of states) {
      for (const event of Object.values(OperationEvent)) {
        const packed = stepOperation(state, event);
        const isSettled = state === OperationState.Settled;
        if (isSettled) assert.equal(stateOf(packed), OperationState.Settled);
        const settles = actionOf(packed) === OperationAction.Settle;
        assert.equal(settles, !isSettled && stateOf(packed) === OperationState.Settled);
      }
    }
  });
});
