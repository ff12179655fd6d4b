/** The lifecycle table: every cell, all event sequences to depth 10, and the printed copy. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  endpointEvents,
  endpointStates,
  endpointTable,
  isDraining,
  step,
  type EndpointEvent,
  type EndpointState,
  type Notice,
} from '../../core/endpoint-machine.js';
import { repositoryRoot } from '../source-paths.js';

/** `-` is ignored, an empty cell is illegal; after `/` what the client is told. */
const expectedRows: readonly (readonly string[])[] = [
  ['absent', 'appeared / appear', '-', '', '-', '', 'destroyed'],
  ['appeared', '-', 'absent / disappear', 'connected / connect', '-', '', 'destroyed / disappear'],
  [
    'connected',
    '-',
    'drainingLost / disconnect',
    '',
    'draining / disconnect',
    '',
    'drainingFinal / disconnect',
  ],
  ['draining', '-', 'drainingLost', '', '-', 'appeared', 'drainingFinal'],
  ['drainingLost', 'draining', '-', '', '-', 'absent / disappear', 'drainingFinal'],
  ['drainingFinal', '-', '-', '', '-', 'destroyed / disappear', '-'],
  ['destroyed', '-', '-', '', '-', '', '-'],
];

const columns: readonly EndpointEvent[] = [
  'found',
  'lost',
  'agreed',
  'ended',
  'drained',
  'destroy',
];

function isState(text: string): text is EndpointState {
  return endpointStates.some((state) => state === text);
}

function cellText(state: EndpointState, event: EndpointEvent): string {
  const cell = endpointTable[state][event];
  if (cell === 'ignore') return '-';
  if (cell === 'illegal') return '';
  return cell.notice === undefined ? cell.next : `${cell.next} / ${cell.notice}`;
}

function checkCell(state: EndpointState, event: EndpointEvent, text: string): void {
  if (text === '') {
    assert.throws(() => step(state, event), { code: 'ILLEGAL_EVENT' });
    return;
  }
  const transition = step(state, event);
  if (text === '-') {
    assert.equal(transition, undefined);
    return;
  }
  const [next, notice] = text.split(' / ');
  assert.deepEqual(transition, { next, notice });
  assert(Object.isFrozen(transition), 'a cell is shared, so it cannot be changed');
}

function describeCell(text: string): string {
  if (text === '') return 'is illegal and asserts ILLEGAL_EVENT';
  if (text === '-') return 'is ignored';
  const [next = '', notice] = text.split(' / ');
  return `leads to ${next}${notice === undefined ? ', nobody is told' : ` and tells ${notice}`}`;
}

describe('lifecycle table', () => {
  for (const [state = '', ...cells] of expectedRows) {
    assert(isState(state));
    cells.forEach((text, column) => {
      const event = columns[column];
      assert(event !== undefined);
      it(`${state}: ${event} ${describeCell(text)}`, () => {
        checkCell(state, event, text);
      });
    });
  }

  it('states and events are those of the table above', () => {
    assert.deepEqual(
      endpointStates,
      expectedRows.map(([state]) => state),
    );
    assert.deepEqual(endpointEvents, columns);
  });

  it('draining: in draining, drainingLost and drainingFinal, and nowhere else', () => {
    const draining = endpointStates.filter((state) => isDraining(state));
    assert.deepEqual(draining, ['draining', 'drainingLost', 'drainingFinal']);
  });
});

/** `( appear ( connect disconnect )* disappear )* destroyed` as an automaton. */
type Grammar = 'away' | 'here' | 'connected' | 'over';

const grammar: Readonly<Record<Grammar, Partial<Record<Notice | 'destroyed', Grammar>>>> = {
  away: { appear: 'here', destroyed: 'over' },
  here: { connect: 'connected', disappear: 'away' },
  connected: { disconnect: 'here' },
  over: {},
};

/** Which word of the grammar each state may have told last. */
const toldIn: Readonly<Record<EndpointState, Grammar>> = {
  absent: 'away',
  appeared: 'here',
  connected: 'connected',
  draining: 'here',
  drainingLost: 'here',
  drainingFinal: 'here',
  destroyed: 'over',
};

/**
 * What the surroundings can cause: both sides agree only while the endpoint is found and idle, and
 * only a drain that is under way can end. Links come and go, and the owner destroys, at any time.
 */
function canHappen(state: EndpointState, event: EndpointEvent): boolean {
  if (event === 'agreed') return state === 'appeared';
  if (event === 'drained') return state.startsWith('draining');
  return true;
}

function tell(told: Grammar, notice: Notice | 'destroyed', sequence: readonly string[]): Grammar {
  const next = grammar[told][notice];
  assert(next !== undefined, `${notice} breaks the grammar after ${sequence.join(', ')}`);
  return next;
}

class Explorer {
  readonly visited = new Set<EndpointState>();
  readonly #sequence: EndpointEvent[] = [];

  /** Follows every sequence of at most `depth` more events; answers how many there are. */
  explore(state: EndpointState, told: Grammar, depth: number): number {
    assert.equal(told, toldIn[state]);
    this.visited.add(state);
    let count = 1;
    if (depth === 0) return count;
    for (const event of endpointEvents) {
      if (!canHappen(state, event)) continue;
      this.#sequence.push(event);
      const transition = step(state, event);
      const next = transition?.next ?? state;
      let after = told;
      if (transition?.notice !== undefined) after = tell(after, transition.notice, this.#sequence);
      const isOver = next === 'destroyed' && state !== 'destroyed';
      if (isOver) after = tell(after, 'destroyed', this.#sequence);
      count += this.explore(next, after, depth - 1);
      this.#sequence.pop();
    }
    return count;
  }
}

describe('event sequences', () => {
  it('all to depth 10: no illegal cell is reached, and the grammar holds on each', (context) => {
    const explorer = new Explorer();
    const count = explorer.explore('absent', 'away', 10);
    context.diagnostic(`${count} sequences`);
    assert.equal(count, 2_281_402);
    assert.deepEqual([...explorer.visited].sort(), [...endpointStates].sort());
  });

  it('what cannot happen is illegal, and the other way round', () => {
    for (const state of endpointStates) {
      for (const event of endpointEvents) {
        const isIllegal = endpointTable[state][event] === 'illegal';
        assert.equal(isIllegal, !canHappen(state, event), `${state}: ${event}`);
      }
    }
  });

  it('destroy, then drained if it drains: ends in destroyed from every state', () => {
    for (const state of endpointStates) {
      const leaving = step(state, 'destroy')?.next ?? state;
      const last = isDraining(leaving) ? step(leaving, 'drained')?.next : leaving;
      assert.equal(last, 'destroyed');
    }
  });
});

function printedTable(text: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^\|\s*state \\ event/.test(line));
  assert(start >= 0, 'the table is there');
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  const rows = lines.slice(start, end < 0 ? lines.length : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  assert.match(rows[1]?.join('') ?? '', /^[-:]+$/);
  return rows.filter((_, index) => index !== 1);
}

describe('ARCHITECTURE.md', () => {
  it('prints the table of the code', () => {
    const file = path.join(repositoryRoot, 'ARCHITECTURE.md');
    assert(existsSync(file), 'ARCHITECTURE.md exists');
    const fromCode = endpointStates.map((state) => [
      state,
      ...endpointEvents.map((event) => cellText(state, event)),
    ]);
    const header = ['state \\ event', ...endpointEvents];
    assert.deepEqual(printedTable(readFileSync(file, 'utf8')), [header, ...fromCode]);
  });
});
