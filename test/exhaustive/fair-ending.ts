/**
 * endFairly: faults stop, and whatever can move does. Then both ends have to be connected in
 * bounded time, their work has to be done, and after both domains were closed nothing may be left.
 *
 * Here the two clocks run alike, and time passes only when nothing else can happen.
 */
import { Kind, kindOf } from './choice.js';
import type { World } from './world.js';

/** In milliseconds: a silent peer is noticed, a greeting times out, and the next dial comes. */
const connectWithinMs = 2_600;
/** A goodbye is waited for, and a domain has its time to drain. */
const closeWithinMs = 1_500;
const movesMax = 10_000;

const moving = new Set<Kind>([
  Kind.Arrive,
  Kind.Deliver,
  Kind.Lose,
  Kind.Restart,
  Kind.Release,
  Kind.Complete,
]);

/** What it found goes to the judge. Answers what settles, by microtasks, once all is closed. */
export function endFairly(world: World): Promise<unknown> {
  const { judge, network, parties } = world;
  network.calm();
  const isOver = (): boolean => judge.breach !== undefined;
  const isConnected = runUntil(world, connectWithinMs, () => isOver() || judge.isMatched);
  judge.expect(
    isConnected,
    `not connected within ${connectWithinMs} ms, although nothing is amiss`,
  );
  if (isOver()) return Promise.resolve();
  work(world);
  if (isOver()) return Promise.resolve();
  const closing = Promise.all(parties.map((party) => party.close()));
  for (const { runtime } of parties) runtime.settle();
  const leftovers = (): string => {
    const words = parties.map((party) => party.leftovers());
    words.push(network.openEnds === 0 ? '' : `${network.openEnds} ends of links`);
    words.push(network.isBound ? 'a listener' : '');
    return words.filter((word) => word !== '').join(', ');
  };
  const isClosed = runUntil(world, closeWithinMs, () => isOver() || leftovers() === '');
  judge.expect(isClosed, `left ${closeWithinMs} ms after closing: ${leftovers()}`);
  for (const { watches } of parties) {
    judge.expect(watches.length === 0, `${watches[0]?.name ?? ''} was not told 'destroyed'`);
  }
  return closing;
}

/**
 * V3: everything submitted in this epoch has settled, however late; and what either end submits now
 * is done.
 */
function work(world: World): void {
  const { judge, parties } = world;
  const open = parties.flatMap(({ watches }) => watches.filter((at) => at.phase === 'connected'));
  const early = new Set(open.flatMap(({ submitted }) => submitted));
  for (const watch of open) {
    parties[watch.side].submit(watch, 'message');
    parties[watch.side].submit(watch, 'transaction');
    parties[watch.side].runtime.settle();
  }
  runUntil(world, 0, () => false);
  for (const watch of open) {
    for (const item of watch.submitted) {
      const { kind, execution, isCompleted } = item;
      // One that came too late for its time limit may have been taken back.
      const isLate = early.has(item) && execution !== undefined && execution !== 'done';
      const isDone = kind === 'message' ? isCompleted : execution === 'done';
      const what = `V3 ${watch.name}: ${kind} ${item.id}`;
      judge.expect(isDone || isLate, `${what} is not done, although nothing is amiss`);
    }
    const { messagesCompleted } = watch.endpoint.statistics();
    judge.expect(
      messagesCompleted >= watch.submitted.filter(({ kind }) => kind === 'message').length,
      `V3 ${watch.name}: a completed message's credit did not come back`,
    );
  }
}

/** True if `isDone` held when nothing was left to move, after `limitMs` at most. */
function runUntil(world: World, limitMs: number, isDone: () => boolean): boolean {
  const { parties } = world;
  const startMs = parties.map(({ runtime }) => runtime.nowMs);
  const untilNext = (): number =>
    Math.min(...parties.map(({ runtime }, side) => runtime.deadlineMs - (startMs[side] ?? 0)));
  for (let passedMs = 0; ; passedMs = untilNext()) {
    if (passedMs > limitMs) return false;
    parties.forEach(({ runtime }, side) => {
      if (passedMs > 0) runtime.run((startMs[side] ?? 0) + passedMs);
    });
    moveAll(world, startMs);
    if (isDone()) return true;
  }
}

function moveAll(world: World, startMs: number[]): void {
  for (let count = 0; count < movesMax; count++) {
    const choices = world.choices();
    const next = choices.find(({ code, cost }) => cost === 0 && moving.has(kindOf(code)));
    if (next === undefined) return;
    world.perform(next.code);
    if (kindOf(next.code) !== Kind.Restart) continue;
    // A domain that starts anew has a clock of its own.
    world.parties.forEach(({ runtime }, side) => {
      startMs[side] = Math.min(startMs[side] ?? 0, runtime.nowMs);
    });
  }
  throw new Error(`still moving after ${movesMax} moves`);
}
