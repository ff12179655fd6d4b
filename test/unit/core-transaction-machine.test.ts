/** The table of a transaction slot: every cell, and every reachable state of two ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  actionOf,
  nextOf,
  SlotAction,
  SlotEvent,
  SlotState,
  slotTable,
  stepSlot,
} from '../../core/transaction-machine.js';

const events = Object.keys(SlotEvent);

/** In the columns' order; `next` and after `/` what is done. */
const expected: Readonly<Record<keyof typeof SlotState, readonly string[]>> = {
  Free: [
    'Free / Corrupt',
    'Free / None',
    'Free / Corrupt',
    'Free / Corrupt',
    'Free / Corrupt',
    'Free / None',
    'Free / Corrupt',
    'Free / None',
  ],
  Pending: [
    'Free / SettleReply',
    'Cancelling / SendFlush',
    'Pending / Corrupt',
    'Pending / Corrupt',
    'Pending / Corrupt',
    'Pending / None',
    'Pending / Corrupt',
    'Free / SettleEnded',
  ],
  Cancelling: [
    'Answered / SettleReply',
    'Cancelling / None',
    'Free / SettleNever',
    'Releasing / SettleMaybe',
    'Cancelling / Corrupt',
    'Abandoned / SettleMaybe',
    'Cancelling / Corrupt',
    'Free / SettleEnded',
  ],
  Answered: [
    'Answered / Corrupt',
    'Answered / None',
    'Answered / Corrupt',
    'Answered / Corrupt',
    'Free / None',
    'Answered / None',
    'Answered / Corrupt',
    'Free / None',
  ],
  Abandoned: [
    'Answered / Drop',
    'Abandoned / None',
    'Free / None',
    'Releasing / None',
    'Abandoned / Corrupt',
    'Abandoned / None',
    'Abandoned / Corrupt',
    'Free / None',
  ],
  Releasing: [
    'Releasing / Corrupt',
    'Releasing / None',
    'Releasing / Corrupt',
    'Releasing / Corrupt',
    'Releasing / Corrupt',
    'Releasing / None',
    'Free / None',
    'Free / None',
  ],
};

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? `unknown ${value}`;
}

function describeCell(state: string, text: string): string {
  const [next = '', action = ''] = text.split(' / ');
  const done = action === 'None' ? 'does nothing' : `does ${action}`;
  return next === state ? `${done} and stays` : `${done} and leads to ${next}`;
}

describe('slot table', () => {
  for (const [state, cells] of Object.entries(expected)) {
    cells.forEach((text, column) => {
      const event = events[column] ?? '';
      it(`${state}: ${event} ${describeCell(state, text)}`, () => {
        const [from] = Object.entries(SlotState).filter(([name]) => name === state);
        const [cause] = Object.entries(SlotEvent).filter(([name]) => name === event);
        assert(from !== undefined && cause !== undefined);
        const packed = stepSlot(from[1], cause[1]);
        const found = [nameOf(SlotState, nextOf(packed)), nameOf(SlotAction, actionOf(packed))];
        assert.equal(found.join(' / '), text);
        const [next, action] = slotTable[from[1]][cause[1]] ?? [];
        assert.deepEqual([nextOf(packed), actionOf(packed)], [next, action]);
      });
    });
  }
});

type ToResponder = 'request' | 'flush';
type ToInitiator = 'reply' | 'never' | 'started' | 'answered' | 'released';

/** Both ends of one slot, and what is on its way between them, for `left` transactions. */
interface World {
  readonly slot: SlotState;
  /** Settlements of the current transaction. */
  readonly settled: number;
  /** `waiting`: arrived, and its handler has not started. */
  readonly phase: 'idle' | 'waiting' | 'handling' | 'flushed' | 'answered';
  readonly out: readonly ToResponder[];
  readonly back: readonly ToInitiator[];
  readonly left: number;
}

const eventOf: Readonly<Record<ToInitiator, SlotEvent>> = {
  reply: SlotEvent.Reply,
  never: SlotEvent.FlushedNever,
  started: SlotEvent.FlushedStarted,
  answered: SlotEvent.FlushedAnswered,
  released: SlotEvent.Released,
};

const settlements: ReadonlySet<number> = new Set([
  SlotAction.SettleReply,
  SlotAction.SettleNever,
  SlotAction.SettleMaybe,
  SlotAction.SettleEnded,
]);

/** Steps the initiator's slot; checks whatever must hold then. */
function stepInitiator(world: World, event: SlotEvent, isEnd: boolean): World {
  const packed = stepSlot(world.slot, event);
  const action = actionOf(packed);
  assert.notEqual(action, SlotAction.Corrupt, 'two legal ends never meet corruption');
  const slot = Object.values(SlotState).find((state) => state === nextOf(packed));
  assert(slot !== undefined, 'the next state is one of the table');
  const settled = world.settled + (settlements.has(action) ? 1 : 0);
  const out = action === SlotAction.SendFlush ? [...world.out, 'flush' as const] : world.out;
  assert(settled <= 1, 'settled at most once');
  if (slot === SlotState.Free && world.slot !== SlotState.Free) {
    assert.equal(settled, 1, 'settled before the slot is free');
    if (!isEnd) {
      const hasLetGo = world.phase === 'idle' || world.phase === 'answered';
      assert(hasLetGo && out.length === 0 && world.back.length === 0, 'the peer has let go');
    }
  }
  const isUnsettled = slot === SlotState.Pending || slot === SlotState.Cancelling;
  assert.equal(settled, isUnsettled ? 0 : 1, 'who waits is not settled; who does not is');
  return { ...world, slot, settled, out };
}

/** What the responder does with a flush, by 9P's rule. */
function takeFlush(world: World): World {
  switch (world.phase) {
    case 'waiting':
      return { ...world, phase: 'idle', back: [...world.back, 'never'] };
    case 'handling':
      return { ...world, phase: 'flushed', back: [...world.back, 'started'] };
    case 'answered':
      return { ...world, phase: 'idle', back: [...world.back, 'answered'] };
    case 'idle':
    case 'flushed':
      return assert.fail('a flush names what is there, once');
  }
}

function deliverOut(world: World): World[] {
  const [first, ...out] = world.out;
  if (first === undefined) return [];
  const taken = { ...world, out };
  if (first === 'flush') return [takeFlush(taken)];
  assert(world.phase === 'idle' || world.phase === 'answered', 'a free slot is used again');
  return [{ ...taken, phase: 'waiting' }];
}

/** Everything that can happen next. */
function successors(world: World): World[] {
  const next = deliverOut(world);
  const [first, ...back] = world.back;
  if (first !== undefined) next.push(stepInitiator({ ...world, back }, eventOf[first], false));
  if (world.slot === SlotState.Free) {
    if (world.left === 0) return next;
    const out = [...world.out, 'request' as const];
    const slot = SlotState.Pending;
    return [...next, { ...world, slot, settled: 0, out, left: world.left - 1 }];
  }
  next.push(stepInitiator(world, SlotEvent.Cancel, false));
  next.push(stepInitiator(world, SlotEvent.FlushTimeout, false));
  // The end of the epoch settles whatever is left; nothing follows it.
  stepInitiator(world, SlotEvent.Ended, true);
  const { phase } = world;
  if (phase === 'waiting') next.push({ ...world, phase: 'handling' });
  if (phase === 'handling') {
    next.push({ ...world, phase: 'answered', back: [...world.back, 'reply'] });
  }
  if (phase === 'flushed') {
    next.push({ ...world, phase: 'idle', back: [...world.back, 'released'] });
  }
  return next;
}

const start: World = {
  slot: SlotState.Free,
  settled: 1,
  phase: 'idle',
  out: [],
  back: [],
  left: 3,
};

/** Every world within `depth` events of the start. */
function explore(depth: number): ReadonlyMap<string, World> {
  const known = new Map([[JSON.stringify(start), start]]);
  let edge: World[] = [start];
  for (let length = 0; length < depth && edge.length > 0; length++) {
    const fresh: World[] = [];
    for (const next of edge.flatMap(successors)) {
      const key = JSON.stringify(next);
      if (known.has(key)) continue;
      known.set(key, next);
      fresh.push(next);
    }
    edge = fresh;
  }
  return known;
}

/** Counts the sequences of at most `depth` events, each followed by itself. */
function countSequences(world: World, depth: number): number {
  if (depth === 0) return 1;
  return successors(world).reduce((sum, next) => sum + countSequences(next, depth - 1), 1);
}

describe('two ends of a slot', () => {
  it('all event sequences to depth 12: settled exactly once, never free too early', (context) => {
    const count = countSequences(start, 12);
    context.diagnostic(`${count} sequences`);
    assert.equal(count, 705_401);
  });

  it('every reachable state over three transactions: the same holds without a limit', (context) => {
    const known = explore(Infinity);
    context.diagnostic(`${known.size} states`);
    const slots = new Set([...known.values()].map(({ slot }) => slot));
    assert.equal(slots.size, Object.keys(SlotState).length);
  });

  it('from every reachable state both ends come to rest without the client', () => {
    for (const world of explore(Infinity).values()) {
      let now = world;
      for (let moves = 0; moves < 20; moves++) now = oneMove(now) ?? now;
      const isAtRest = now.slot === SlotState.Free && now.out.length + now.back.length === 0;
      assert(isAtRest, JSON.stringify(world));
    }
  });
});

/** A move that needs neither time nor the initiator's client. */
function oneMove(world: World): World | undefined {
  const delivered = deliverOut(world)[0];
  if (delivered !== undefined) return delivered;
  const [first, ...back] = world.back;
  if (first !== undefined) return stepInitiator({ ...world, back }, eventOf[first], false);
  if (world.phase === 'waiting') return { ...world, phase: 'handling' };
  if (world.phase === 'handling') return { ...world, phase: 'answered', back: ['reply'] };
  if (world.phase === 'flushed') return { ...world, phase: 'idle', back: ['released'] };
  return undefined;
}
