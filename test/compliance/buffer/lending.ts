/** Lending: `mode: 'map'` where the medium has memory to lend; elsewhere the same by copy. */
import { contentOf } from '../endpoint/content.js';
import type { Scenario } from '../endpoint/scenario.js';
import type { Stage } from '../endpoint/stage.js';
import { directions, Running, transfer } from './running.js';
import {
  areEqual,
  isFilledWith,
  lend,
  makeSides,
  outcomeOf,
  type Loan,
  type Sides,
} from './sides.js';

const byteLength = 300_000;

/** A shared buffer with those contents, lent as a whole. */
async function lendShared(
  stage: Stage,
  sides: Sides,
  access: 'read' | 'readWrite' = 'readWrite',
): Promise<Loan> {
  const bytes = sides.owner.allocateBuffer(byteLength, { shared: true });
  stage.check(isFilledWith(bytes, 0), 'what is allocated is zero');
  bytes.set(contentOf(1, byteLength));
  const loan = await lend(sides, bytes, { access, mode: 'map' });
  const mode = stage.tap.hasMemory ? 'map' : 'copy';
  stage.equal([loan.buffer.mode, loan.reference.mode], [mode, mode], 'mode');
  return loan;
}

/** Maps that the owner granted: one for each holder where memory is lent, else none. */
function checkMaps(stage: Stage, { buffer }: Loan, expected: number): void {
  const count = buffer.uses().reduce((sum, use) => sum + use.maps, 0);
  stage.equal(count, stage.tap.hasMemory ? expected : 0, 'maps');
}

async function useWhole(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const loan = await lendShared(stage, sides);
  const { bytes, reference } = loan;
  for (let round = 0; round < 5; round++) {
    const local = new Uint8Array(byteLength);
    await sides.user.receiveFromRemoteBuffer(reference, local);
    stage.check(areEqual(local, bytes), 'received');
    const sent = contentOf(10 + round, byteLength - 7);
    await sides.user.sendToRemoteBuffer(reference, sent, { offset: 7 });
    stage.check(areEqual(bytes.subarray(7), sent), 'sent');
  }
  checkMaps(stage, loan, 1);
  if (stage.tap.hasMemory) {
    const [use] = loan.buffer.uses();
    stage.equal([use?.reads, use?.writes], [0, 0], 'requests for pieces');
  }
  stage.note('the whole buffer was used');
}

async function useNarrowed(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const loan = await lendShared(stage, sides);
  const range = loan.reference.narrow({ offset: 1000, byteLength: 5000 });
  const local = new Uint8Array(5000);
  await sides.user.receiveFromRemoteBuffer(range, local);
  stage.check(areEqual(local, loan.bytes.subarray(1000, 6000)), 'received');
  await sides.user.sendToRemoteBuffer(range, contentOf(2, 5000));
  stage.check(areEqual(loan.bytes.subarray(1000, 6000), contentOf(2, 5000)), 'sent');
  const readable = loan.reference.narrow({ access: 'read' });
  stage.note(await outcomeOf(sides.user.sendToRemoteBuffer(readable, local)));
  await sides.user.receiveFromRemoteBuffer(readable, local);
  const early = loan.reference.narrow({ expiresMs: 2 ** 50 });
  await sides.user.receiveFromRemoteBuffer(early, local);
  checkMaps(stage, loan, 0);
  stage.check(areEqual(loan.bytes.subarray(0, 1000), contentOf(1, 1000)), 'bytes before it');
}

async function takeBackAndLendAgain(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const { user, owner } = sides;
  const first = await lendShared(stage, sides);
  const { bytes } = first;
  const local = new Uint8Array(byteLength);
  await user.receiveFromRemoteBuffer(first.reference, local);
  await first.buffer.unregister();
  stage.check(areEqual(bytes, contentOf(1, byteLength)), 'the bytes stay what they are');
  bytes.fill(5);
  for (const direction of directions) {
    local.fill(6);
    stage.note(`${direction}: ${await transfer(user, direction, first.reference, local)}`);
    stage.check(isFilledWith(bytes, 5) && isFilledWith(local, 6), 'nothing was touched');
  }
  const buffer = owner.registerBuffer(bytes, { access: 'read', mode: 'map' });
  stage.equal(buffer.mode, first.buffer.mode, 'the mode of the second one');
  const second = { ...first, buffer };
  stage.note(await transfer(user, 'receive', buffer.reference, local));
  stage.check(isFilledWith(local, 5), 'received from the second one');
  stage.note(await transfer(user, 'send', buffer.reference, local));
  stage.note(await transfer(user, 'receive', first.reference, local));
  checkMaps(stage, second, 1);
}

/** A part of what can be lent, or a list of it, or other memory, is served by copy. */
async function lendParts(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const bytes = sides.owner.allocateBuffer(byteLength, { shared: true });
  bytes.set(contentOf(1, byteLength));
  const parts = [bytes.subarray(0, 1000), bytes.subarray(2000)];
  for (const local of [bytes.subarray(1), parts, contentOf(1, 1000)]) {
    const buffer = sides.owner.registerBuffer(local, { access: 'read', mode: 'map' });
    const received = new Uint8Array(500);
    stage.note(
      `${buffer.mode}: ${await transfer(sides.user, 'receive', buffer.reference, received)}`,
    );
    const source = local instanceof Uint8Array ? local : (local[0] ?? bytes);
    stage.check(areEqual(received, source.subarray(0, 500)), 'received');
    await buffer.unregister();
  }
}

/** Many transfers run while the memory is taken back. */
async function takeBackInUse(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const { bytes, buffer, reference } = await lendShared(stage, sides);
  const small = new Uint8Array(8 * 4096).fill(9);
  let outcome = 'OK';
  const using = (async () => {
    while (outcome === 'OK') {
      outcome = await transfer(sides.user, 'send', reference, small);
      // A copy in lent memory is done at once, so nothing else would run.
      await stage.turns(1);
    }
  })();
  await stage.until('it is used', () => bytes[0] === 9);
  await buffer.unregister();
  bytes.fill(0xee);
  await using;
  stage.check(isFilledWith(bytes, 0xee), 'nothing was written after it was taken back');
  stage.check(/^STALE_REFERENCE (never|maybe)$/u.test(outcome), outcome);
  stage.note('its use ended');
}

export const lendingScenarios: readonly Scenario[] = [
  {
    fact: 'a whole shared buffer: the owner is asked once, and does nothing more',
    play: useWhole,
  },
  {
    fact: 'what is narrowed is served by copy',
    play: useNarrowed,
    told: ['ACCESS_DENIED never'],
  },
  {
    fact: 'taken back: STALE_REFERENCE; lent again: with another access, by another reference',
    play: takeBackAndLendAgain,
    told: [
      'send: STALE_REFERENCE never',
      'receive: STALE_REFERENCE never',
      'OK',
      'ACCESS_DENIED never',
      'STALE_REFERENCE never',
    ],
  },
  {
    fact: 'parts, lists and other memory are served by copy',
    play: lendParts,
    told: ['copy: OK', 'copy: OK', 'copy: OK'],
  },
  {
    fact: 'taken back while it is used: nothing is written afterwards',
    play: takeBackInUse,
  },
  {
    fact: 'a link that breaks: what was lent is used on, once it is back',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { bytes, reference } = await lendShared(stage, sides);
      const local = new Uint8Array(byteLength);
      await sides.user.receiveFromRemoteBuffer(reference, local);
      stage.world.sever();
      await stage.until('the link is back', () => sides.userEnd.isConnected);
      bytes.fill(7);
      const running = new Running(sides.user, 'receive', reference, local);
      stage.note(await running.outcome);
      stage.check(isFilledWith(local, 7), 'received');
    },
    told: ['OK'],
  },
];
