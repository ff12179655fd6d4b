/**
 * The byte ring of the memory transport: every sequence of steps on a tiny ring, and long random
 * ones on a small ring, against a queue of frames as the model; also across the wrap of positions.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClaimRefusal } from '../../core/transport.js';
import { MemoryPipe, recordBytes, ringBytesMin } from '../../transports/memory/memory-pipe.js';
import { between, createRandom, seedOfThisRun } from '../compliance/random.js';

/** The last one is where the sign of an int32 position changes, the next to last passes 0. */
const startPositions = [0, 24, -16, 2 ** 31 - 40];

/** A pipe and what it must hold. Every frame is filled with a byte of its own. */
class Subject {
  readonly pipe: MemoryPipe;
  readonly #held: { readonly byteLength: number; readonly fill: number }[] = [];
  #open: { readonly byteLength: number; readonly fill: number } | undefined = undefined;
  #frameCount = 0;

  constructor(ringBytes: number, position: number) {
    this.pipe = new MemoryPipe(ringBytes, position);
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  get heldCount(): number {
    return this.#held.length;
  }

  claim(byteLength: number): boolean {
    const offset = this.pipe.claim(byteLength);
    if (offset < 0) {
      assert.equal(offset, ClaimRefusal.BackPressured);
      assert.ok(this.heldCount > 0, 'an empty ring takes every legal frame');
      return false;
    }
    assert.equal(offset % 8, 0);
    assert.ok(offset + byteLength <= this.pipe.bytes.length);
    this.#frameCount += 1;
    this.#open = { byteLength, fill: this.#frameCount & 0xff };
    this.pipe.bytes.fill(this.#open.fill, offset, offset + byteLength);
    return true;
  }

  commit(): void {
    assert.ok(this.#open !== undefined);
    this.pipe.commit();
    this.#held.push(this.#open);
    this.#open = undefined;
  }

  abort(): void {
    this.pipe.abort();
    this.#open = undefined;
  }

  read(): void {
    const expected = this.#held.shift();
    assert.ok(expected !== undefined);
    const offset = this.pipe.peek();
    const { byteLength, fill } = expected;
    assert.equal(this.pipe.peekedBytes, byteLength);
    const frame = this.pipe.bytes.subarray(offset, offset + byteLength);
    assert.ok(frame.every((byte) => byte === fill));
    this.pipe.release();
    assert.equal(this.pipe.isEmpty, this.heldCount === 0);
    if (this.pipe.isEmpty) assert.equal(this.pipe.peek(), -1);
  }
}

/** What can be done next: a claim of so many bytes, or one of three words. */
type Step = number | 'commit' | 'abort' | 'read';

function legalSteps(subject: Subject, claims: readonly number[]): readonly Step[] {
  const steps: Step[] = subject.isOpen ? ['commit', 'abort'] : [...claims];
  return subject.heldCount > 0 ? [...steps, 'read'] : steps;
}

function perform(subject: Subject, step: Step): void {
  if (typeof step === 'number') subject.claim(step);
  else subject[step]();
}

/** Performs every legal sequence of `depth` steps; answers how many there were. */
function tryAll(makeSubject: () => Subject, claims: readonly number[], depth: number): number {
  const prefix: Step[] = [];
  const descend = (): number => {
    const subject = makeSubject();
    for (const step of prefix) perform(subject, step);
    if (prefix.length === depth) return 1;
    let count = 0;
    for (const step of legalSteps(subject, claims)) {
      prefix.push(step);
      count += descend();
      prefix.pop();
    }
    return count;
  };
  return descend();
}

describe('memory pipe', () => {
  for (const position of startPositions) {
    it(`every sequence of 9 steps on a ring of 64 bytes, from ${position}`, () => {
      const sequences = tryAll(() => new Subject(64, position), [1, 9, 24], 9);
      assert.ok(sequences > 10_000);
    });
  }

  for (const position of startPositions) {
    it(`100,000 random steps on a ring of 4096 bytes, from ${position}`, (context) => {
      const seed = seedOfThisRun();
      context.diagnostic(`IDC_SEED=${seed}`);
      const random = createRandom(seed);
      const subject = new Subject(4096, position);
      for (let count = 0; count < 100_000; count++) {
        const steps = legalSteps(subject, [between(random, 1, 2040), between(random, 1, 64)]);
        const step = steps[between(random, 0, steps.length - 1)];
        assert.ok(step !== undefined);
        perform(subject, step);
      }
    });
  }

  it('a position that passes 2 ** 31 goes on at -2 ** 31', () => {
    const subject = new Subject(1024, 2 ** 31 - 1024);
    for (let count = 0; count < 100; count++) {
      assert.ok(subject.claim(300));
      subject.commit();
      subject.read();
    }
  });

  it('a full ring is told from an empty one', () => {
    const subject = new Subject(64, 0);
    for (let count = 0; count < 4; count++) {
      assert.ok(subject.claim(8));
      subject.commit();
    }
    assert.ok(!subject.claim(1));
    assert.ok(!subject.pipe.isEmpty);
    for (let count = 0; count < 4; count++) subject.read();
    assert.ok(subject.pipe.isEmpty);
  });
});

describe('memory pipe: a refused claim', () => {
  it('is answered once, when half of the ring is free', () => {
    const subject = new Subject(64, 0);
    while (subject.claim(8)) subject.commit();
    assert.equal(subject.pipe.takeWritable(), false);
    subject.read();
    assert.equal(subject.pipe.takeWritable(), false);
    subject.read();
    assert.equal(subject.pipe.takeWritable(), true);
    assert.equal(subject.pipe.takeWritable(), false);
  });

  it('succeeds after its answer, for every length and position', () => {
    for (let position = 0; position < 64; position += 8) {
      for (let byteLength = 1; byteLength <= 24; byteLength++) {
        const subject = new Subject(64, position);
        while (subject.claim(byteLength)) subject.commit();
        while (!subject.pipe.takeWritable()) subject.read();
        assert.ok(subject.claim(byteLength));
      }
    }
  });
});

describe('memory pipe: the smallest ring', () => {
  it('takes the largest frame at every position, and no smaller ring does', () => {
    const frameBytesMax = 1016;
    assert.equal(ringBytesMin(frameBytesMax), 2048);
    for (let position = 0; position < 2048; position += 8) {
      const subject = new Subject(2048, position);
      assert.ok(subject.claim(frameBytesMax));
    }
    const tight = new MemoryPipe(1024, 8);
    assert.equal(recordBytes(frameBytesMax), 1024);
    assert.throws(() => tight.claim(frameBytesMax), { code: 'INVARIANT' });
  });

  it('is not made of a byteLength that is no power of two, or of a crooked position', () => {
    for (const ringBytes of [0, 8, 24, 1000, 2 ** 31]) {
      assert.throws(() => new MemoryPipe(ringBytes), { code: 'INVARIANT' }, `${ringBytes}`);
    }
    for (const position of [4, 0.5, 2 ** 31]) {
      assert.throws(() => new MemoryPipe(64, position), { code: 'INVARIANT' }, `${position}`);
    }
  });
});
