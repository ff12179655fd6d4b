/**
 * The incoming half of a lane over a socket that reads as libuv does: up to 32 times in a row, each
 * time into the place that was prepared in the callback before. Wherever anything else can run, the
 * next read must not go to a target (law N5).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LaneReader, type LaneReaderSink } from '../../transports/tcp/lane-reader.js';
import { makePreamble, setPrefix } from '../../transports/tcp/lane-wire.js';
import {
  between,
  createRandom,
  randomBytes,
  seedOfThisRun,
  type Random,
} from '../compliance/random.js';

const readsInARow = 32;
const areaBytes = 256 * 1024;
/** Long enough to be read directly after a read into the staging area. */
const partBytes = 33 * 1024;

interface Body {
  readonly header: Uint8Array;
  readonly bytes: Uint8Array;
}

class RecordingSink implements LaneReaderSink {
  readonly landings: Body[] = [];
  greetings = 0;
  tellings = 0;
  asked = 0;
  /** Bytes that no read may go to, because their body was given up. */
  readonly gone = new Set<ArrayBufferLike>();
  targetBuffer: ArrayBufferLike | undefined = undefined;
  #target: readonly Uint8Array[] = [];
  readonly #makeTarget: (byteLength: number) => readonly Uint8Array[] | undefined;
  isGoodFor: () => boolean = () => true;

  constructor(makeTarget: (byteLength: number) => readonly Uint8Array[] | undefined) {
    this.#makeTarget = makeTarget;
  }

  greeted(): void {
    this.greetings += 1;
    this.tellings += 1;
  }

  targetFor(_: Uint8Array, byteLength: number): readonly Uint8Array[] | undefined {
    const target = this.#makeTarget(byteLength);
    this.#target = target ?? [];
    this.targetBuffer = target?.[0]?.buffer;
    return target;
  }

  mayProceed(): boolean {
    this.asked += 1;
    const isGood = this.isGoodFor();
    if (!isGood && this.targetBuffer !== undefined) this.gone.add(this.targetBuffer);
    return isGood;
  }

  bodyLanded(header: Uint8Array): void {
    this.tellings += 1;
    const bytes = new Uint8Array(Buffer.concat(this.#target));
    this.landings.push({ header: header.slice(), bytes });
    this.targetBuffer = undefined;
  }
}

/** A socket with bytes in it, which come in portions of the test's choice. */
class FakeSocket {
  place: Uint8Array;
  #stream: Uint8Array = new Uint8Array(0);
  readonly #reader: LaneReader;
  readonly #sink: RecordingSink;
  readonly #random: Random;
  /** Whether something could run now while the next read goes to a target. */
  breaches = 0;
  directReads = 0;

  constructor(reader: LaneReader, sink: RecordingSink, random: Random) {
    this.#random = random;
    this.#reader = reader;
    this.#sink = sink;
    this.place = reader.place();
  }

  /** One event of libuv with `bytes` more to read. False if the reader found them illegal. */
  receive(bytes: Uint8Array): boolean {
    this.#stream = Buffer.concat([this.#stream, bytes]);
    for (let count = 0; count < readsInARow; count += 1) {
      const readBytes = Math.min(this.place.byteLength, this.#stream.byteLength);
      if (readBytes === 0) {
        this.place = this.#reader.idle();
        break;
      }
      if (this.#isTarget()) this.directReads += 1;
      this.place.set(this.#stream.subarray(0, readBytes));
      this.#stream = this.#stream.subarray(readBytes);
      const isFull = readBytes === this.place.byteLength;
      const tellings = this.#sink.tellings;
      if (!this.#reader.landed(readBytes)) return false;
      const askedBefore = this.#sink.asked;
      this.place = this.#reader.place();
      if (this.#isTarget()) assert.equal(this.#sink.asked, askedBefore + 1, 'it was asked for');
      // What was told may have made something ready, which runs when the callback has returned.
      if (tellings !== this.#sink.tellings) this.#lookAround();
      if (!isFull) break;
      // It may also have made the socket go on that had just been stopped.
      if (this.#random() % 8 === 0) {
        this.#reader.pause();
        this.place = this.#reader.place();
      }
    }
    this.#lookAround();
    return true;
  }

  get leftBytes(): number {
    return this.#stream.byteLength;
  }

  #lookAround(): void {
    if (this.#isTarget()) this.breaches += 1;
  }

  #isTarget(): boolean {
    return this.place.buffer === this.#sink.targetBuffer;
  }
}

function recordOf({ header, bytes }: Body): Uint8Array {
  const prefix = new DataView(new ArrayBuffer(8));
  setPrefix(prefix, header.byteLength, bytes.byteLength);
  return Buffer.concat([new Uint8Array(prefix.buffer), header, bytes]);
}

function randomBodies(random: Random, count: number): Body[] {
  return Array.from({ length: count }, () => {
    const exponent = between(random, 0, 21);
    const byteLength = random() % 4 === 0 ? random() % 3 : random() % 2 ** exponent;
    const bytes = new Uint8Array(byteLength).fill(random() & 0xff);
    if (byteLength > 0) bytes[byteLength - 1] = 1;
    return { header: randomBytes(random, between(random, 1, 64)), bytes };
  });
}

/** In one memory, so that the fake socket knows it again; sometimes in few parts, or in many. */
function targetOf(random: Random, byteLength: number): readonly Uint8Array[] {
  const memory = new Uint8Array(byteLength);
  switch (random() % 3) {
    case 0:
      return [memory];
    case 1:
      return [memory.subarray(0, byteLength >> 1), memory.subarray(byteLength >> 1)];
    default:
      // So many that libuv would be done with its row before the body is whole.
      return Array.from({ length: Math.ceil(byteLength / partBytes) }, (_, index) => {
        return memory.subarray(index * partBytes, (index + 1) * partBytes);
      });
  }
}

function makeReader(sink: RecordingSink, isDirect: boolean): LaneReader {
  const reader = new LaneReader(sink, new Uint8Array(areaBytes), false);
  if (isDirect) reader.readDirectly();
  return reader;
}

/** Portions as they come: mostly what fits the places exactly, or just not. */
function portion(random: Random): number {
  const edges = [1, 8, 16 * 1024, 16 * 1024, 512 * 1024, 528 * 1024, 2 ** 20, 20 * 2 ** 20];
  const edge = edges[random() % edges.length] ?? 1;
  return Math.max(1, edge + (random() % 4 === 0 ? between(random, -2, 2) : 0));
}

describe('lane reader', () => {
  for (const isDirect of [true, false]) {
    const how = isDirect ? 'directly and by copy' : 'by copy alone';
    it(`finds every body, ${how}, and no read to a target waits`, (context) => {
      const seed = seedOfThisRun();
      context.diagnostic(`IDC_SEED=${seed}`);
      const random = createRandom(seed);
      let directReads = 0;
      for (let round = 0; round < 40; round += 1) {
        const bodies = randomBodies(random, 20);
        const sink = new RecordingSink((byteLength) => targetOf(random, byteLength));
        const reader = makeReader(sink, isDirect);
        const socket = new FakeSocket(reader, sink, random);
        const stream = Buffer.concat(bodies.map(recordOf));
        let start = 0;
        while (start < stream.byteLength || socket.leftBytes > 0) {
          const end = start + portion(random);
          assert.ok(socket.receive(stream.subarray(start, end)));
          start = Math.min(end, stream.byteLength);
          if (random() % 3 === 0) reader.turned();
        }
        assert.deepEqual(sink.landings, bodies);
        assert.equal(socket.breaches, 0);
        assert.ok(reader.isBetweenRecords);
        directReads += socket.directReads;
      }
      assert.equal(directReads > 0, isDirect);
    });
  }

  it('a body that is given up is written to no more, and the next one is found', (context) => {
    const seed = seedOfThisRun();
    context.diagnostic(`IDC_SEED=${seed}`);
    const random = createRandom(seed);
    for (let round = 0; round < 60; round += 1) {
      const bodies = randomBodies(random, 10).map(({ header, bytes }) => {
        return { header, bytes: bytes.fill(7) };
      });
      const targets: Uint8Array[] = [];
      const sink = new RecordingSink((byteLength) => {
        const target = new Uint8Array(byteLength);
        targets.push(target);
        return [target];
      });
      const reader = makeReader(sink, true);
      const socket = new FakeSocket(reader, sink, random);
      const stream = Buffer.concat(bodies.map(recordOf));
      let start = 0;
      while (start < stream.byteLength || socket.leftBytes > 0) {
        const end = start + portion(random);
        assert.ok(socket.receive(stream.subarray(start, end)));
        start = Math.min(end, stream.byteLength);
        const current = sink.targetBuffer;
        if (current === undefined || random() % 2 === 0) continue;
        // Between two events: from now on nothing may be written there.
        new Uint8Array(current).fill(0xdd);
        sink.isGoodFor = () => sink.targetBuffer !== current;
      }
      assert.ok(reader.isBetweenRecords);
      for (const target of targets) {
        const isGone = target[0] === 0xdd;
        assert.ok(target.every((byte) => byte === (isGone ? 0xdd : 7)));
      }
    }
  });

  it('released in any of its calls, it asks and tells nothing any more', () => {
    for (const when of ['targetFor', 'mayProceed', 'bodyLanded'] as const) {
      const sink = new RecordingSink((byteLength) => [new Uint8Array(byteLength)]);
      const reader = makeReader(sink, true);
      const told: string[] = [];
      const spy: LaneReaderSink = {
        greeted: () => undefined,
        targetFor: (header, byteLength) => (note('targetFor'), sink.targetFor(header, byteLength)),
        mayProceed: () => (note('mayProceed'), true),
        bodyLanded: () => {
          note('bodyLanded');
        },
      };
      const spied = new LaneReader(spy, new Uint8Array(areaBytes), false);
      const note = (event: string): void => {
        told.push(event);
        if (event === when) spied.release();
      };
      const body = { header: Uint8Array.of(1), bytes: new Uint8Array(10) };
      const stream = Buffer.concat([recordOf(body), recordOf(body)]);
      spied.place().set(stream);
      assert.ok(spied.landed(stream.byteLength));
      spied.place();
      assert.equal(told.filter((event) => event === when).length, 1);
      assert.equal(told.at(-1), when);
      assert.ok(reader.isBetweenRecords);
    }
  });

  it('wants the preamble first if it dialled', () => {
    const sink = new RecordingSink((byteLength) => [new Uint8Array(byteLength)]);
    const reader = new LaneReader(sink, new Uint8Array(areaBytes), true);
    const body = { header: Uint8Array.of(1), bytes: new Uint8Array(10) };
    const stream = Buffer.concat([makePreamble(), recordOf(body)]);
    assert.ok(!reader.isBetweenRecords);
    for (const byte of stream) {
      reader.place()[0] = byte;
      assert.ok(reader.landed(1));
    }
    assert.equal(sink.greetings, 1);
    assert.deepEqual(sink.landings, [body]);
    const other = new LaneReader(sink, new Uint8Array(areaBytes), true);
    other.place().set(recordOf(body));
    assert.equal(other.landed(recordOf(body).byteLength), false);
  });

  it('a target that is not as long as its body is a programmer error', () => {
    const sink = new RecordingSink((byteLength) => [new Uint8Array(byteLength + 1)]);
    const reader = makeReader(sink, true);
    const stream = recordOf({ header: Uint8Array.of(1), bytes: new Uint8Array(10) });
    reader.place().set(stream);
    assert.throws(() => reader.landed(stream.byteLength), { code: 'BAD_ARGUMENT' });
  });
});
