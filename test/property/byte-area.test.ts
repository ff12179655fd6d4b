/** Copying and gathering bytes against what plain arrays do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteArea, copyBytes } from '../../core/byte-area.js';
import { byteLengthOf, gather, gatherRange } from '../../core/local-buffer.js';
import { patternBytes } from '../unit/fake-link.js';
import { check } from './check.js';

const lengthMax = 700;

/** An area whose first byte lies `shift` bytes into its buffer. */
function shiftedArea(shift: number, bytes: Uint8Array): ByteArea {
  const buffer = new Uint8Array(shift + bytes.length);
  buffer.set(bytes, shift);
  return new ByteArea(buffer.subarray(shift));
}

function checkCopies(shift: number, sourceOffset: number, targetOffset: number): void {
  const source = shiftedArea(shift, patternBytes(lengthMax + 12, 1));
  const background = new Uint8Array(lengthMax + 12).fill(0xaa);
  const target = shiftedArea((shift * 3) & 3, background);
  const expected = new Uint8Array(background.length);
  for (let byteLength = 0; byteLength <= lengthMax; byteLength++) {
    target.bytes.set(background);
    copyBytes(source, sourceOffset, target, targetOffset, byteLength);
    expected.set(background);
    expected.set(source.bytes.subarray(sourceOffset, sourceOffset + byteLength), targetOffset);
    if (Buffer.compare(target.bytes, expected) === 0) continue;
    assert.fail(`${byteLength} bytes from ${shift}+${sourceOffset} to ${targetOffset}`);
  }
}

describe('copyBytes', () => {
  for (const shift of [0, 1, 2, 3]) {
    it(`lengths 0 to ${lengthMax}, all alignments, areas ${shift} bytes into their buffers`, () => {
      for (let sourceOffset = 0; sourceOffset < 8; sourceOffset++) {
        for (let targetOffset = 0; targetOffset < 8; targetOffset++) {
          checkCopies(shift, sourceOffset, targetOffset);
        }
      }
    });
  }

  it('reaches the last byte of both areas', () => {
    for (let byteLength = 0; byteLength <= lengthMax; byteLength++) {
      const source = new ByteArea(patternBytes(byteLength, 3));
      const target = new ByteArea(new Uint8Array(byteLength));
      copyBytes(source, 0, target, 0, byteLength);
      assert.equal(Buffer.compare(source.bytes, target.bytes), 0);
    }
  });
});

describe('ByteArea', () => {
  it('words are little-endian at any offset', () => {
    const words = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    check(fc.tuple(words, fc.nat(9), fc.nat(3)), ([word, offset, shift]) => {
      const area = shiftedArea(shift, new Uint8Array(16));
      area.setWord(offset, word);
      assert.equal(area.getWord(offset), word);
      assert.equal(Buffer.from(area.bytes).readInt32LE(offset), word);
    });
  });

  it('allocate: whole words, and at least what was asked for', () => {
    for (let byteLength = 0; byteLength < 20; byteLength++) {
      const area = ByteArea.allocate(byteLength);
      assert.equal(area.bytes.length, Math.ceil(byteLength / 4) * 4);
      assert.equal(area.words.length * 4, area.bytes.length);
    }
  });
});

const part = fc.uint8Array({ maxLength: 20 });
const bytes = fc.oneof(part, fc.array(part, { maxLength: 6 }));

function join(value: Uint8Array | readonly Uint8Array[]): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.concat(value);
}

describe('a list of bytes', () => {
  it('has the length of what is joined', () => {
    check(bytes, (value) => {
      assert.equal(byteLengthOf(value), join(value).length);
    });
  });

  it('gather: what is joined, at its place, and nothing else', () => {
    check(fc.tuple(bytes, fc.nat(9)), ([value, offset]) => {
      const joined = join(value);
      const target = new Uint8Array(joined.length + 20).fill(0xcc);
      const expected = target.slice();
      expected.set(joined, offset);
      gather(value, target, offset);
      assert.deepEqual(target, expected);
    });
  });

  it('gatherRange: any range of what is joined', () => {
    check(
      fc.tuple(bytes, fc.nat(130), fc.nat(130), fc.nat(9)),
      ([value, a, b, offset]) => {
        const joined = join(value);
        const [from, to] = [a, b].map((at) => at % (joined.length + 1)).sort((x, y) => x - y);
        assert(from !== undefined && to !== undefined);
        const target = new Uint8Array(joined.length + 20).fill(0xcc);
        const expected = target.slice();
        expected.set(joined.subarray(from, to), offset);
        gatherRange(value, from, to - from, target, offset);
        assert.deepEqual(target, expected);
      },
      1000,
    );
  });
});
