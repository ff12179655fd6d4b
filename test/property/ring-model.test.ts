/** The ring against a plain array: whatever is sent comes out, whole, in order, and once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import {
  Control,
  controlBytes,
  frameBytesLimit,
  memoryBytes,
  type RingMemory,
  viewMemory,
} from '../../transports/ring/ring-layout.js';
import { RingReader } from '../../transports/ring/ring-reader.js';
import { RingWriter } from '../../transports/ring/ring-writer.js';
import { Sleeper } from '../../transports/ring/sleeper.js';
import { check } from './check.js';

type Operation =
  | { readonly kind: 'send' | 'abort'; readonly share: number }
  | { readonly kind: 'receive'; readonly count: number }
  | { readonly kind: 'publish' | 'giveBack' | 'sleep' | 'wantSpace' };

const operations: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: withShare('send') },
  { weight: 1, arbitrary: withShare('abort') },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('receive'), count: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('publish', 'giveBack', 'sleep', 'wantSpace'),
    }),
  },
);

function withShare(kind: 'send' | 'abort'): fc.Arbitrary<Operation> {
  // Small frames and the largest ones are the interesting ones.
  const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1e-9, 1));
  return fc.record({ kind: fc.constant(kind), share });
}

/** Positions from which a run of some thousand bytes passes 2^31, 2^32, or nothing. */
const starts = fc
  .tuple(fc.constantFrom(0, 2 ** 31, 2 ** 32), fc.integer({ min: 0, max: 600 }))
  .map(([edge, before]) => (edge - before * 8) | 0);

const ringSizes = fc.integer({ min: 4, max: 13 }).map((power) => 2 ** power);

function makeMemory(ringBytes: number, start: number): RingMemory {
  const memory = viewMemory(new ArrayBuffer(memoryBytes(ringBytes)), ringBytes);
  memory.control[Control.Produced] = start;
  memory.control[Control.Consumed] = start;
  return memory;
}

/** The ring under test and the array that it has to agree with. */
class Comparison {
  readonly #limit: number;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #readerSleeper: Sleeper;
  readonly #writerSleeper: Sleeper;
  readonly #readerControl: Int32Array;
  /** First bytes and lengths of what is committed and not received. */
  readonly #queued: { readonly seed: number; readonly byteLength: number }[] = [];
  #seed = 0;
  /** Frames that were committed, and released, since the peer was asked whether it sleeps. */
  #unannounced = 0;
  #ungiven = 0;
  /** Somebody sleeps and was not rung for. */
  #awaitsRecord = false;
  #awaitsSpace = false;

  constructor(ringBytes: number, start: number) {
    const [own, peer] = [makeMemory(ringBytes, start), makeMemory(ringBytes, start)];
    this.#limit = frameBytesLimit(ringBytes);
    this.#writer = new RingWriter(own, peer);
    this.#reader = new RingReader(own, peer);
    this.#writerSleeper = new Sleeper(own);
    this.#readerSleeper = new Sleeper(peer);
    this.#readerControl = peer.control;
  }

  run(operation: Operation): void {
    switch (operation.kind) {
      case 'send':
      case 'abort': {
        this.#send(1 + Math.floor(operation.share * (this.#limit - 1)), operation.kind);
        return;
      }
      case 'receive':
        for (let count = 0; count < operation.count; count++) this.#receive();
        return;
      case 'publish': {
        this.#publish();
        return;
      }
      case 'giveBack': {
        this.#giveBack();
        return;
      }
      case 'sleep':
        this.#readerSleeper.sleep(false);
        this.#awaitsRecord = true;
        return;
      case 'wantSpace':
        this.#writerSleeper.sleep(true);
        this.#awaitsSpace = true;
        return;
      default:
        throw new Error('no such operation');
    }
  }

  /** Everything comes out in the end, and what was refused fits into the empty ring. */
  finish(): void {
    this.#publish();
    while (this.#queued.length > 0) assert.equal(this.#receive(), true);
    assert.equal(this.#receive(), false);
    this.#giveBack();
    const isOwed = this.#writer.owesWritable;
    assert.equal(this.#writer.takeWritable(), isOwed);
    assert.equal(this.#writer.owesWritable, false);
    assert.equal(this.#writer.isDrained, true);
    assert.equal(this.#reader.isPeerEnded, false);
    this.#send(this.#limit, 'send');
    assert.equal(this.#queued.length, 1, 'an empty ring refuses the largest frame');
    this.#writer.end();
    assert.equal(this.#reader.isPeerEnded, false);
    assert.equal(this.#receive(), true);
    assert.equal(this.#reader.isPeerEnded, true);
    assert.equal(this.#writer.isCorrupt || this.#reader.isCorrupt, false);
  }

  /** Once per sleep, if there is something new, and never for one who is awake. */
  #publish(): void {
    const isNew = this.#unannounced > 0;
    assert.equal(this.#writer.publish(), this.#awaitsRecord && isNew);
    if (isNew) this.#awaitsRecord = false;
    this.#unannounced = 0;
  }

  #giveBack(): void {
    const isNew = this.#ungiven > 0;
    assert.equal(this.#reader.publish(), this.#awaitsSpace && isNew);
    if (isNew) this.#awaitsSpace = false;
    this.#ungiven = 0;
  }

  #send(byteLength: number, kind: 'send' | 'abort'): void {
    const offset = this.#writer.claim(byteLength);
    if (offset < 0) {
      assert.equal(offset, -1);
      assert.equal(this.#writer.owesWritable, true);
      return;
    }
    assert.equal(offset & 3, 0);
    const seed = this.#seed++;
    for (let index = 0; index < byteLength; index++) {
      this.#writer.bytes[offset + index] = seed + index;
    }
    if (kind === 'abort') {
      this.#writer.abort();
      return;
    }
    this.#writer.commit();
    this.#unannounced++;
    this.#queued.push({ seed, byteLength });
  }

  #receive(): boolean {
    const offset = this.#reader.peek();
    if (offset < 0) {
      assert.equal(offset, -1);
      return false;
    }
    const expected = this.#queued.shift();
    assert.ok(expected !== undefined, 'a frame that nobody sent');
    assert.equal(this.#reader.peekedBytes, expected.byteLength);
    for (let index = 0; index < expected.byteLength; index++) {
      const byte = this.#reader.bytes[offset + index];
      if (byte !== ((expected.seed + index) & 255)) assert.fail(`byte ${index} is another one`);
    }
    assert.equal(this.#reader.peek(), offset);
    this.#reader.release();
    this.#ungiven++;
    assert.equal(this.#readerControl[Control.Ended], 0);
    return true;
  }
}

describe('ring against an array', () => {
  it('what is committed comes out, wherever the positions are', () => {
    check(
      fc.tuple(ringSizes, starts, fc.array(operations, { maxLength: 120 })),
      ([ringBytes, start, list]) => {
        const comparison = new Comparison(ringBytes, start);
        for (const operation of list) comparison.run(operation);
        comparison.finish();
      },
      1500,
    );
  });

  it('every length goes through at every place of a ring', () => {
    const ringBytes = 128;
    for (let start = -ringBytes; start < ringBytes; start += 8) {
      for (let byteLength = 1; byteLength <= frameBytesLimit(ringBytes); byteLength++) {
        const comparison = new Comparison(ringBytes, start);
        const share = (byteLength - 0.5) / (frameBytesLimit(ringBytes) - 1);
        for (let count = 0; count < 5; count++) comparison.run({ kind: 'send', share });
        comparison.finish();
      }
    }
  });

  it('the control page is whole, and the ring lies behind it', () => {
    const memory = viewMemory(new ArrayBuffer(memoryBytes(4096)), 4096);
    assert.equal(memory.bytes.byteOffset, controlBytes);
    assert.equal(memory.words.byteOffset, controlBytes);
    assert.equal(memory.control.byteLength, controlBytes);
  });
});
