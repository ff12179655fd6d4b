/** The write tracker against a set of blocks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { writtenBlockBytes, WriteTracker } from '../../core/transfer/write-tracker.js';
import { check } from './check.js';

const blocksMax = 200;

const steps = fc.array(
  fc.record({
    isTaking: fc.boolean(),
    /** Fractions of the buffer, so that all of it is met whatever its length. */
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    share: fc.oneof(
      fc.constantFrom(0, 1e-9, 1),
      fc.double({ min: 0, max: 0.1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
  }),
  { maxLength: 60 },
);

/** The same, block by block. */
function blocksOf(offset: number, byteLength: number): number[] {
  const blocks: number[] = [];
  const first = Math.floor(offset / writtenBlockBytes);
  for (let block = first; block * writtenBlockBytes < offset + byteLength; block++) {
    if (byteLength > 0) blocks.push(block);
  }
  return blocks;
}

describe('write tracker', () => {
  it('takes what a set of blocks has, joined, in order and cut at the end', () => {
    check(
      fc.tuple(fc.integer({ min: 0, max: blocksMax * writtenBlockBytes }), steps),
      ([byteLength, all]) => {
        const tracker = new WriteTracker(byteLength);
        const model = new Set<number>();
        for (const { isTaking, from, share } of all) {
          const offset = Math.floor(from * byteLength);
          const count = Math.ceil(share * (byteLength - offset));
          if (!isTaking) {
            tracker.mark(offset, count);
            for (const block of blocksOf(offset, count)) model.add(block);
            continue;
          }
          const ranges = tracker.take();
          const taken = ranges.flatMap((range) => blocksOf(range.offset, range.byteLength));
          assert.deepEqual(
            taken,
            [...model].sort((a, b) => a - b),
          );
          let end = -1;
          for (const range of ranges) {
            assert(range.offset > end && range.byteLength > 0, 'in order, and neighbours joined');
            assert.equal(range.offset % writtenBlockBytes, 0);
            end = range.offset + range.byteLength;
            assert(end <= byteLength && (end % writtenBlockBytes === 0 || end === byteLength));
          }
          model.clear();
        }
      },
      500,
    );
  });

  it('single blocks, ends of words and whole words, exhaustively', () => {
    const blockCount = 100;
    const length = blockCount * writtenBlockBytes - 1;
    const tracker = new WriteTracker(length);
    for (let first = 0; first < blockCount; first++) {
      for (let last = first; last < blockCount; last++) {
        const offset = first * writtenBlockBytes;
        const end = Math.min((last + 1) * writtenBlockBytes, length);
        tracker.mark(end - 1, 1);
        tracker.mark(offset + 4095 - (last === blockCount - 1 ? 1 : 0), 1);
        const byteLength = end - offset;
        const tail = { offset: last * writtenBlockBytes, byteLength: 0 };
        tail.byteLength = end - tail.offset;
        const head = { offset, byteLength: Math.min(writtenBlockBytes, byteLength) };
        const isJoined = last - first <= 1;
        assert.deepEqual(tracker.take(), isJoined ? [{ offset, byteLength }] : [head, tail]);
        tracker.mark(offset, byteLength);
        assert.deepEqual(tracker.take(), [{ offset, byteLength }]);
        assert.deepEqual(tracker.take(), []);
      }
    }
  });
});
