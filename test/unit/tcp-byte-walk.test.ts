/** Going through the parts of sources and targets. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { byteLengthOf, ByteWalk } from '../../transports/tcp/byte-walk.js';

const parts = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 });
const steps = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 200, maxLength: 200 });

function walkThrough(walk: ByteWalk, lengths: readonly number[]): number[] {
  const seen: number[] = [];
  for (const length of lengths) {
    if (walk.leftBytes === 0) break;
    const stretchBytes = walk.stretchBytes;
    const stretch = walk.peek(length);
    assert.equal(stretch.byteLength, Math.min(length, stretchBytes));
    seen.push(...stretch);
    walk.advance(stretch.byteLength);
  }
  return seen;
}

describe('byte walk', () => {
  it('sees every byte once and in order, whatever the steps', () => {
    fc.assert(
      fc.property(parts, steps, (list, lengths) => {
        const walk = new ByteWalk();
        const joined = list.flatMap((part) => [...part]);
        walk.start(list, byteLengthOf(list));
        assert.equal(walk.leftBytes, joined.length);
        assert.deepEqual(walkThrough(walk, lengths), joined);
        assert.equal(walk.leftBytes, 0);
        assert.equal(walk.stretchBytes, 0);
        const single = Uint8Array.from(joined);
        walk.start(single, single.byteLength);
        assert.deepEqual(walkThrough(walk, lengths), joined);
      }),
    );
  });

  it('fills what lies in many parts', () => {
    fc.assert(
      fc.property(parts, steps, (list, lengths) => {
        const walk = new ByteWalk();
        const expected = list.flatMap((part) => [...part]);
        const targets = list.map((part) => new Uint8Array(part.byteLength));
        walk.start(targets, expected.length);
        let start = 0;
        for (const length of lengths) {
          const source = Uint8Array.from(expected.slice(start, start + length));
          walk.fill(source);
          start += source.byteLength;
        }
        assert.deepEqual(
          targets.flatMap((part) => [...part]),
          expected,
        );
      }),
    );
  });

  it('a part that was taken away meanwhile is a programmer error', () => {
    const walk = new ByteWalk();
    const target = new Uint8Array(100);
    walk.start(target, 100);
    structuredClone(target, { transfer: [target.buffer] });
    assert.throws(() => walk.peek(10), { code: 'BAD_ARGUMENT' });
  });

  it('stopped, it forgets the rest and can start again', () => {
    const walk = new ByteWalk();
    walk.start(new Uint8Array(10), 10);
    walk.stop();
    assert.equal(walk.leftBytes, 0);
    walk.start(Uint8Array.of(5), 1);
    assert.deepEqual([...walk.peek(3)], [5]);
  });
});
