/** Tracking: which blocks were written, who used a buffer, and what is registered. */
import { contentOf } from '../endpoint/content.js';
import type { Scenario } from '../endpoint/scenario.js';
import type { Stage } from '../endpoint/stage.js';
import { between, randomBytes } from '../random.js';
import { Running } from './running.js';
import { areEqual, lend, makeSides, pieceBytes } from './sides.js';

const blockBytes = 4096;
const blockCount = 64;

interface Range {
  readonly offset: number;
  readonly byteLength: number;
}

/** The numbers of the blocks that the ranges cover; the last block is shorter. */
function blocksOf(ranges: readonly Range[]): number[] {
  return ranges.flatMap(({ offset, byteLength }) => {
    const first = Math.floor(offset / blockBytes);
    const end = Math.ceil((offset + byteLength) / blockBytes);
    return Array.from({ length: end - first }, (_, index) => first + index);
  });
}

async function trackAtRest(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const bytes = contentOf(1, blockCount * blockBytes - 100);
  const { buffer, reference } = await lend(sides, bytes, { trackWrites: true });
  stage.equal(buffer.takeWrittenBlocks(), [], 'nothing was written');
  for (let round = 0; round < 20; round++) {
    const written = new Set<number>();
    for (let count = between(stage.random, 0, 4); count > 0; count--) {
      const offset = between(stage.random, 0, bytes.length - 1);
      const byteLength = between(stage.random, 1, Math.min(9000, bytes.length - offset));
      const local = randomBytes(stage.random, byteLength);
      await sides.user.sendToRemoteBuffer(reference, local, { offset });
      for (const block of blocksOf([{ offset, byteLength }])) written.add(block);
    }
    await sides.user.receiveFromRemoteBuffer(reference, new Uint8Array(bytes.length));
    const taken = blocksOf(buffer.takeWrittenBlocks());
    const expected = [...written].sort((one, other) => one - other);
    stage.equal(taken, expected, `blocks of round ${round}`);
  }
  await sides.user.sendToRemoteBuffer(reference, contentOf(2, 1), { offset: bytes.length - 1 });
  const [last] = buffer.takeWrittenBlocks();
  stage.equal((last?.offset ?? 0) + (last?.byteLength ?? 0), bytes.length, 'the end of the last');
  await sides.user.sendToRemoteBuffer(reference, contentOf(2, 1));
  await buffer.unregister();
  stage.equal(blocksOf(buffer.takeWrittenBlocks()), [0], 'what is left after unregister');
  stage.note('each block that was written was named');
}

/** Blocks are taken while writes run: copying each of them yields the whole in the end. */
async function migrate(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const bytes = contentOf(1, blockCount * blockBytes);
  const { buffer, reference } = await lend(sides, bytes, { trackWrites: true });
  const copy = new Uint8Array(bytes);
  let roundCount = 0;
  const copyWritten = (): void => {
    for (const { offset, byteLength } of buffer.takeWrittenBlocks()) {
      copy.set(bytes.subarray(offset, offset + byteLength), offset);
      roundCount++;
    }
  };
  let isWriting = true;
  const writing = (async () => {
    for (let round = 0; round < 60; round++) {
      const offset = between(stage.random, 0, bytes.length - 1);
      const local = randomBytes(stage.random, Math.min(20_000, bytes.length - offset));
      await sides.user.sendToRemoteBuffer(reference, local, { offset });
    }
    isWriting = false;
  })();
  await stage.until('the writer is done', () => {
    copyWritten();
    return !isWriting;
  });
  await writing;
  await buffer.unregister();
  copyWritten();
  stage.check(areEqual(copy, bytes), 'the copy is equal');
  stage.check(roundCount > 1, 'blocks were taken in several rounds');
  stage.note('the copy is equal');
}

async function listUses(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const { owner, user } = sides;
  const loan = await lend(sides, new Uint8Array(10 * pieceBytes), { access: 'readWrite' });
  stage.equal(loan.buffer.uses(), [], 'uses before any');
  await user.receiveFromRemoteBuffer(loan.reference, new Uint8Array(2 * pieceBytes));
  await user.sendToRemoteBuffer(loan.reference, new Uint8Array(3 * pieceBytes + 1));
  const other = owner.registerBuffer(new Uint8Array(7), { access: 'read', expiresMs: 2 ** 50 });
  const infos = owner.registeredBuffers();
  for (const info of infos) {
    const { byteLength, access, mode, isUnregistering, inFlight } = info;
    stage.note(
      `${byteLength} bytes, ${access}, ${mode}, ${inFlight} in flight, ${isUnregistering}`,
    );
  }
  stage.check(infos[0]?.buffer === loan.buffer && infos[1]?.buffer === other, 'which they are');
  for (const use of loan.buffer.uses()) {
    const { domainId, domainName, isRelayed, reads, readBytes, writes, writtenBytes } = use;
    stage.check(domainId === user.id, 'by whom');
    stage.note(`${domainName}: ${reads} reads, ${readBytes} bytes, ${isRelayed}`);
    stage.note(`${domainName}: ${writes} writes, ${writtenBytes} bytes`);
    stage.check(Date.now() - use.lastUnixMs < 60_000, 'when');
  }
  await Promise.all([loan.buffer.unregister(), other.unregister()]);
  stage.equal(owner.registeredBuffers().length, 0, 'registered at the end');
  const [first, second] = [loan.buffer.unregister(), loan.buffer.unregister()];
  stage.check(first === second, 'a second call gives the same promise');
}

export const trackingScenarios: readonly Scenario[] = [
  {
    fact: 'at rest, exactly the blocks that were written are named',
    play: trackAtRest,
  },
  {
    fact: 'under traffic no written block is missed: a live copy ends up equal',
    play: migrate,
  },
  {
    fact: 'the owner knows what is registered, who used it, how often, and when',
    play: listUses,
    told: [
      '40960 bytes, readWrite, copy, 0 in flight, false',
      '7 bytes, read, copy, 0 in flight, false',
      'user: 2 reads, 8192 bytes, false',
      'user: 4 writes, 12289 bytes',
    ],
  },
  {
    fact: 'while a transfer runs the owner sees its holder, and unregister ends that',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { buffer, reference } = await lend(sides, new Uint8Array(400 * pieceBytes));
      const local = new Uint8Array(400 * pieceBytes);
      const running = new Running(sides.user, 'send', reference, local);
      await running.reached.opened;
      const [use] = buffer.uses();
      stage.check((use?.writes ?? 0) > 0 && !running.isOver, 'it is seen in the middle');
      const before = use?.writes ?? 0;
      await buffer.unregister();
      const after = buffer.uses()[0]?.writes ?? 0;
      stage.note(await running.outcome);
      stage.equal(buffer.uses()[0]?.writes ?? 0, after, 'writes after unregister');
      stage.check(before <= after && after < 400, 'it was cut short');
    },
    told: ['STALE_REFERENCE maybe'],
  },
];
