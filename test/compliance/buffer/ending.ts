/** Ending: transfers that are given up, refused, or cut short, by either side. */
import { readdirSync } from 'node:fs';
import type { Scenario } from '../endpoint/scenario.js';
import type { Stage } from '../endpoint/stage.js';
import { beginLimited, directions, Running, transfer, type Direction } from './running.js';
import {
  isFilledWith,
  lend,
  makeSides,
  outcomeOfCall,
  pieceBytes,
  type Loan,
  type Sides,
} from './sides.js';

const manyPieces = 400 * pieceBytes;
const poison = 0xee;
/** Turns in which whatever is under way on a medium of this process would have arrived. */
const turnsToArrive = 20;

/** From here on nobody writes to the bytes any more. */
async function checkAtRest(stage: Stage, bytes: Uint8Array, whose: string): Promise<void> {
  bytes.fill(poison);
  await stage.turns(turnsToArrive);
  stage.check(isFilledWith(bytes, poison), `nothing is written to the ${whose} bytes any more`);
}

/** Where each byte is of the one or of the other side, and how many are. */
function countOf(bytes: Uint8Array, value: number): number {
  return bytes.reduce((count, byte) => count + (byte === value ? 1 : 0), 0);
}

async function unregisterInTheMiddle(stage: Stage, direction: Direction): Promise<void> {
  const sides = await makeSides(stage);
  const { bytes, buffer, reference } = await lend(sides, new Uint8Array(manyPieces).fill(1));
  const local = new Uint8Array(manyPieces).fill(2);
  const running = new Running(sides.user, direction, reference, local);
  await running.reached.opened;
  await buffer.unregister();
  stage.check(!running.isOver, 'it is not over yet');
  bytes.fill(poison);
  const outcome = await running.outcome;
  stage.check(isFilledWith(bytes, poison), 'nothing lands after unregister');
  const leaked = countOf(local, poison);
  stage.equal(leaked, 0, 'bytes that were stored after unregister, and came');
  stage.note(`${direction}: ${outcome}`);
  await checkAtRest(stage, local, 'local');
}

async function abortInTheMiddle(stage: Stage, direction: Direction): Promise<void> {
  const sides = await makeSides(stage);
  const { bytes, reference } = await lend(sides, new Uint8Array(manyPieces).fill(1));
  const local = new Uint8Array(manyPieces).fill(2);
  const given = new AbortController();
  const { signal } = given;
  const act = (): void => {
    given.abort();
  };
  const running = new Running(sides.user, direction, reference, local, { signal, act });
  stage.note(`${direction}: ${await running.outcome}`);
  stage.check(running.reached.isOpen, 'it was in the middle');
  await checkAtRest(stage, local, 'local');
  stage.equal(countOf(bytes, poison), 0, 'bytes of poison at the owner');
  // What may still have been on its way does not disturb the next one.
  local.fill(3);
  stage.note(`again: ${await transfer(sides.user, 'send', reference, local)}`);
  stage.check(isFilledWith(bytes, 3), 'the next one is whole');
}

/** The link is lost for good, so the limit passes in the middle. */
async function timeOutInTheMiddle(stage: Stage, direction: Direction): Promise<void> {
  const sides = await makeSides(stage, { owner: { limits: { fenceMs: 200 } } });
  const loan = await lend(sides, new Uint8Array(manyPieces).fill(1));
  const local = new Uint8Array(manyPieces).fill(2);
  const act = (): void => {
    stage.tap.cut('user');
    stage.world.sever();
  };
  const [running] = await beginLimited((timeoutMs) => [
    new Running(sides.user, direction, loan.reference, local, { timeoutMs, act }),
  ]);
  stage.note(`${direction}: ${(await running?.outcome) ?? ''}`);
  await checkAtRest(stage, local, 'local');
  stage.tap.mend('user');
  await sendAfterReturn(stage, sides, loan, local);
}

/** The link comes back; a send to the same place is whole, and stays so. */
async function sendAfterReturn(
  stage: Stage,
  { user }: Sides,
  { bytes, reference }: Loan,
  local: Uint8Array,
): Promise<void> {
  let outcome = '';
  while (outcome !== 'OK') {
    outcome = await transfer(user, 'send', reference, local);
    stage.check(/^(OK|UNREACHABLE never)$/u.test(outcome), `on the way back: ${outcome}`);
    await stage.turns(1);
  }
  stage.check(isFilledWith(bytes, poison), 'what was sent last is there');
  await stage.turns(turnsToArrive);
  stage.check(isFilledWith(bytes, poison), 'and stays there');
}

async function endAtOnce(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const { bytes, reference } = await lend(sides, new Uint8Array(100).fill(1));
  const local = new Uint8Array(100).fill(2);
  const signal = AbortSignal.abort();
  for (const direction of directions) {
    const aborted = await transfer(sides.user, direction, reference, local, { signal });
    stage.note(`${direction}: ${aborted}`);
  }
  stage.check(isFilledWith(bytes, 1) && isFilledWith(local, 2), 'nothing was touched');
}

/** Slots are counted; who has one is not refused, and who has none is, at once. */
async function exhaustSlots(stage: Stage): Promise<void> {
  const transfers = { pieceBytes, outstanding: 3 };
  const sides = await makeSides(stage, { user: { transfers } });
  const { reference } = await lend(sides, new Uint8Array(manyPieces).fill(1));
  const { user } = sides;
  const held = [user.acquireTransfer(), user.acquireTransfer()];
  const local = new Uint8Array(manyPieces);
  const running = new Running(user, 'receive', reference, local);
  stage.note(`no slot is left: ${outcomeOfCall(() => user.acquireTransfer())}`);
  stage.note(await transfer(user, 'receive', reference, new Uint8Array(1)));
  stage.check(!running.isOver, 'the first one runs meanwhile');
  const [first, second] = held;
  if (first === undefined || second === undefined) throw new Error('two slots');
  const withSlot = new Uint8Array(10);
  stage.note(
    `with a slot: ${await transfer(user, 'receive', reference, withSlot, { slot: first })}`,
  );
  stage.equal([first.isHeld, second.isHeld], [false, true], 'slots that are held');
  second.release();
  stage.note(`the first one: ${await running.outcome}`);
  for (const slot of [0, 1, 2].map(() => user.acquireTransfer())) slot.release();
  stage.note(await transfer(user, 'receive', reference, new Uint8Array(1)));
}

/** One side closes its domain while transfers run both ways. */
async function closeInTheMiddle(stage: Stage, who: 'owner' | 'user'): Promise<void> {
  const sides = await makeSides(stage);
  const loans = [
    await lend(sides, new Uint8Array(manyPieces).fill(1)),
    await lend(sides, new Uint8Array(manyPieces).fill(1)),
  ];
  const locals = loans.map(() => new Uint8Array(manyPieces).fill(2));
  const runnings = await beginLimited((timeoutMs) => {
    return directions.map((direction, index) => {
      const [loan, local] = [loans[index], locals[index]];
      if (loan === undefined || local === undefined) throw new Error('one for each direction');
      return new Running(sides.user, direction, loan.reference, local, { timeoutMs });
    });
  });
  await sides[who].close();
  if (who === 'owner') for (const { bytes } of loans) bytes.fill(poison);
  const outcomes = await Promise.all(runnings.map((running) => running.outcome));
  for (const [index, outcome] of outcomes.entries()) {
    stage.note(`${directions[index] ?? ''}: ${outcome}`);
  }
  for (const local of locals) await checkAtRest(stage, local, 'local');
  for (const { bytes } of loans) {
    if (who === 'owner') stage.check(isFilledWith(bytes, poison), 'nothing landed after close');
    await checkAtRest(stage, bytes, 'remote');
  }
  stage.equal(sides.owner.registeredBuffers().length, who === 'owner' ? 0 : 2, 'registered');
}

/** What this process has open, as far as it can tell. */
function openCount(): number {
  const resources = process.getActiveResourcesInfo();
  const handles = resources.filter((name) => /Socket|Pipe|Server|Timeout|Port/u.test(name));
  const descriptors = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
  return handles.length + descriptors;
}

/** Domains with all that belongs to transfers, closed in the middle of them. */
async function leaveNothing(stage: Stage): Promise<void> {
  const counts: number[] = [];
  // The first round opens what the process keeps.
  for (let round = 0; round < 3; round++) {
    const sides = await makeSides(stage);
    const bytes = sides.owner.allocateBuffer(manyPieces, { shared: true });
    const mapped = await lend(sides, bytes, { mode: 'map' });
    const copied = await lend(sides, new Uint8Array(manyPieces), { trackWrites: true });
    const local = new Uint8Array(manyPieces);
    await transfer(sides.user, 'receive', mapped.reference, local);
    const running = new Running(sides.user, 'send', copied.reference, local);
    await running.reached.opened;
    await Promise.all([sides.user.close(), sides.owner.close()]);
    stage.equal(sides.owner.registeredBuffers().length, 0, 'registered buffers');
    const outcome = await running.outcome;
    stage.check(/^(DESTROYED|STALE_REFERENCE) maybe$/u.test(outcome), outcome);
    // What was closed a moment ago is counted until the event loop has turned.
    await stage.turns(10);
    counts.push(openCount());
  }
  const [, second = 0] = counts;
  await stage.until(`nothing is left open: ${counts.join()}`, () => openCount() <= second);
  stage.note('nothing is left open');
}

export const endingScenarios: readonly Scenario[] = [
  ...directions.map((direction) => ({
    fact: `unregister in the middle of a ${direction}: nothing lands after its promise`,
    play: (stage: Stage) => unregisterInTheMiddle(stage, direction),
    told: [`${direction}: STALE_REFERENCE maybe`],
  })),
  ...directions.map((direction) => ({
    fact: `abort in the middle of a ${direction}: CANCELLED, and the local bytes are free`,
    play: (stage: Stage) => abortInTheMiddle(stage, direction),
    told: [`${direction}: CANCELLED maybe`, 'again: OK'],
  })),
  ...directions.map((direction) => ({
    fact: `the time limit in the middle of a ${direction}: TIMEOUT, and the next one is whole`,
    play: (stage: Stage) => timeOutInTheMiddle(stage, direction),
    told: [`${direction}: TIMEOUT maybe`],
  })),
  {
    fact: 'aborted before it begins: CANCELLED never',
    play: endAtOnce,
    told: ['send: CANCELLED never', 'receive: CANCELLED never'],
  },
  {
    fact: 'slots: QUOTA at once without one, and never with one',
    play: exhaustSlots,
    told: [
      'no slot is left: QUOTA never',
      'QUOTA never',
      'with a slot: OK',
      'the first one: OK',
      'OK',
    ],
  },
  {
    fact: 'a user that closes in the middle: everything settles, and nothing lands afterwards',
    play: (stage) => closeInTheMiddle(stage, 'user'),
    told: ['send: DESTROYED maybe', 'receive: DESTROYED maybe'],
  },
  {
    fact: 'an owner that closes in the middle: everything settles, and nothing lands afterwards',
    play: (stage) => closeInTheMiddle(stage, 'owner'),
    told: ['send: TIMEOUT maybe', 'receive: TIMEOUT maybe'],
  },
  {
    fact: 'both close in the middle: nothing is left open',
    play: leaveNothing,
    told: ['nothing is left open'],
  },
  {
    fact: 'a closed domain transfers nothing: DESTROYED never',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { reference } = await lend(sides, new Uint8Array(10));
      await sides.user.close();
      stage.note(await transfer(sides.user, 'send', reference, new Uint8Array(1)));
      stage.note(await transfer(sides.user, 'receive', reference, new Uint8Array(1)));
      stage.note(outcomeOfCall(() => sides.user.acquireTransfer()));
    },
    told: ['DESTROYED never', 'DESTROYED never', 'DESTROYED never'],
  },
];
