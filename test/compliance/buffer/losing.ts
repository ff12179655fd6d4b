/** Losing: links that break in the middle of transfers, and come back, or do not. */
import { contentOf } from '../endpoint/content.js';
import type { Scenario } from '../endpoint/scenario.js';
import type { Stage } from '../endpoint/stage.js';
import { beginLimited, directions, Running, transfer, type Direction } from './running.js';
import { areEqual, isFilledWith, lend, makeSides, pieceBytes } from './sides.js';

const manyPieces = 400 * pieceBytes;
const poison = 0xee;

/** Breaks every link once, after a share of the bytes; the transfer does not notice. */
async function severAt(
  stage: Stage,
  direction: Direction,
  dials: 'owner' | 'user',
  share: number,
): Promise<void> {
  const sides = await makeSides(stage, { dials });
  const { bytes, reference } = await lend(sides, contentOf(1, manyPieces));
  const local = contentOf(2, manyPieces);
  const expected = new Uint8Array(direction === 'send' ? local : bytes);
  const act = (): void => {
    stage.world.sever();
  };
  const running = new Running(sides.user, direction, reference, local, { share, act });
  const outcome = await running.outcome;
  // What was in doubt when the link broke may not land now.
  if (direction === 'send') local.fill(poison);
  stage.check(areEqual(bytes, expected), 'the bytes of the owner are right');
  if (direction === 'receive') stage.check(areEqual(local, expected), 'the local bytes are right');
  await stage.turns(10);
  stage.check(areEqual(bytes, expected), 'and stay so');
  stage.note(`${direction}, ${dials} dials, severed after ${share}: ${outcome}`);
}

/** Breaks every link again and again, each time when some pieces more are done. */
async function severOften(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const { bytes, reference } = await lend(sides, contentOf(1, manyPieces));
  const local = contentOf(2, manyPieces);
  let severedCount = 0;
  await sides.user.sendToRemoteBuffer(reference, local, {
    onProgress: (byteCount) => {
      if (byteCount < ((severedCount + 1) * manyPieces) / 8) return;
      severedCount++;
      stage.world.sever();
    },
  });
  stage.check(areEqual(bytes, local), 'the bytes of the owner are right');
  stage.check(severedCount >= 7, 'it was severed seven times');
  stage.note('it went on each time');
}

/**
 * A send whose link breaks ends as `maybe`; then others go to the same place, and to one beside it.
 * Nothing of the first one lands on them.
 */
async function overwriteAfterLoss(stage: Stage): Promise<void> {
  const sides = await makeSides(stage, { owner: { limits: { fenceMs: 300 } } });
  const { bytes, reference } = await lend(sides, new Uint8Array(manyPieces).fill(1));
  const given = new AbortController();
  const act = (): void => {
    stage.world.sever();
    given.abort();
  };
  const first = new Uint8Array(manyPieces).fill(2);
  const { signal } = given;
  const running = new Running(sides.user, 'send', reference, first, { act, signal });
  stage.note(`the first: ${await running.outcome}`);
  first.fill(poison);
  await stage.until('the link is back', () => sides.userEnd.isConnected);
  const second = new Uint8Array(manyPieces).fill(3);
  stage.note(`the second: ${await transfer(sides.user, 'send', reference, second)}`);
  stage.check(isFilledWith(bytes, 3), 'the second one is whole');
  await stage.turns(20);
  stage.check(isFilledWith(bytes, 3), 'and stays so');
}

/** The peer does not come back; several transfers end, each at its own time limit. */
async function loseForGood(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const { bytes, reference } = await lend(sides, new Uint8Array(manyPieces).fill(1));
  const locals = directions.map(() => new Uint8Array(manyPieces).fill(2));
  let limitMs = 0;
  const runnings = await beginLimited((timeoutMs) => {
    limitMs = performance.now() + timeoutMs;
    return directions.map((direction, index) => {
      const local = locals[index] ?? bytes;
      return new Running(sides.user, direction, reference, local, { timeoutMs, share: 0.05 });
    });
  });
  stage.tap.cut('user');
  stage.world.sever();
  for (const running of runnings) stage.note(await running.outcome);
  // Timers may be early by less than a millisecond.
  stage.check(performance.now() >= limitMs - 1, 'not before its time');
  stage.check(
    bytes.every((byte) => byte === 1 || byte === 2),
    'old or new bytes at the owner',
  );
  for (const local of locals) local.fill(poison);
  await stage.turns(20);
  stage.check(
    locals.every((local) => isFilledWith(local, poison)),
    'the local bytes are free',
  );
}

/** Pieces are held for longer than a write may be on its way, and then arrive all the same. */
async function holdForLong(stage: Stage): Promise<void> {
  const fenceMs = 50;
  const sides = await makeSides(stage, { dials: 'owner', owner: { limits: { fenceMs } } });
  const { bytes, buffer, reference } = await lend(sides, new Uint8Array(manyPieces).fill(1));
  const local = new Uint8Array(manyPieces).fill(2);
  const act = (): void => {
    stage.tap.hold('owner');
  };
  const running = new Running(sides.user, 'send', reference, local, { act });
  await running.reached.opened;
  const heldMs = performance.now();
  await stage.until('the lease ran out', () => performance.now() - heldMs > 2 * fenceMs);
  const before = bytes.indexOf(1);
  stage.check(before > 0, 'it stands in the middle');
  // No user may do that; here it tells what is sent now from what was held.
  local.fill(3);
  stage.tap.release('owner');
  stage.note(await running.outcome);
  stage.check(isFilledWith(bytes.subarray(0, before), 2), 'what had arrived in time');
  stage.check(isFilledWith(bytes.subarray(before), 3), 'what was held is not executed');
  stage.equal(buffer.uses()[0]?.writtenBytes, manyPieces, 'each byte was written once');
}

export const losingScenarios: readonly Scenario[] = [
  ...directions.map((direction) => ({
    fact: `a link that breaks in the middle of a ${direction}: it goes on, and ends done`,
    play: async (stage: Stage) => {
      await severAt(stage, direction, 'user', 0.4);
    },
    told: [`${direction}, user dials, severed after 0.4: OK`],
  })),
  ...directions.map((direction) => ({
    fact: `the same ${direction} where the owner is the one that dials`,
    play: async (stage: Stage) => {
      await severAt(stage, direction, 'owner', 0.4);
    },
    told: [`${direction}, owner dials, severed after 0.4: OK`],
  })),
  {
    fact: 'a link that breaks with the last piece: done, and once',
    play: (stage) => severAt(stage, 'send', 'user', 0.999),
    told: ['send, user dials, severed after 0.999: OK'],
  },
  {
    fact: 'a link that breaks again and again',
    play: severOften,
  },
  {
    fact: 'nothing of a transfer that was lost lands on the next one to the same place',
    play: overwriteAfterLoss,
    told: ['the first: CANCELLED maybe', 'the second: OK'],
  },
  {
    fact: 'what was on its way for too long is not executed, and is sent again',
    play: holdForLong,
    told: ['OK'],
  },
  {
    fact: 'a link that does not come back: TIMEOUT maybe, and the local bytes are free',
    play: loseForGood,
    told: ['TIMEOUT maybe', 'TIMEOUT maybe'],
  },
];
