/** What the tests of framing share: streams of frames, and one that is read. */
import assert from 'node:assert/strict';
import { CarryPool } from '../../transports/tcp/carry-pool.js';
import { FrameReader, LandingArea, NoFrame } from '../../transports/tcp/framing.js';
import { between, randomBytes, type Random } from '../compliance/random.js';

export const frameBytesMax = 1024;
export const readBytes = 300;

/** Counts what is borrowed, to see what a peer can make us allocate. */
export class CountingPool extends CarryPool {
  lentBytes = 0;

  override borrow(byteLength: number): Uint8Array {
    const carry = super.borrow(byteLength);
    this.lentBytes += carry.byteLength;
    return carry;
  }

  override giveBack(carry: Uint8Array): void {
    this.lentBytes -= carry.byteLength;
    super.giveBack(carry);
  }
}

/** One incoming stream: lands bytes as a socket would, and copies the frames that are found. */
export class Incoming {
  readonly frames: Uint8Array[] = [];
  isCorrupt = false;
  readonly reader: FrameReader;
  readonly #area: LandingArea;

  constructor(area: LandingArea, pool: CarryPool) {
    this.#area = area;
    this.reader = new FrameReader(area, pool, frameBytesMax);
  }

  /** In as many reads as the area demands; false once the stream is corrupt. */
  land(bytes: Uint8Array): boolean {
    for (let start = 0; start < bytes.byteLength && !this.isCorrupt; start += readBytes) {
      this.#landOnce(bytes.subarray(start, start + readBytes));
    }
    return !this.isCorrupt;
  }

  #landOnce(part: Uint8Array): void {
    this.#area.placeAfter(this.reader.carriedBytes).set(part);
    this.reader.landed(part.byteLength);
    let byteLength = this.reader.next();
    for (; byteLength > 0; byteLength = this.reader.next()) {
      const { offset } = this.reader;
      assert.equal(offset % 4, 0);
      this.frames.push(this.#area.bytes.slice(offset, offset + byteLength));
    }
    this.isCorrupt = byteLength === NoFrame.Corrupt;
  }
}

export function makeIncoming(): { incoming: Incoming; pool: CountingPool; area: LandingArea } {
  const area = new LandingArea(frameBytesMax, readBytes);
  const pool = new CountingPool();
  return { incoming: new Incoming(area, pool), pool, area };
}

/** The bytes of the stream, made independently of the code under test. */
export function streamOf(frames: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(
    frames.flatMap((frame) => [
      ...new Uint8Array(Uint32Array.of(frame.byteLength).buffer),
      ...frame,
      ...new Uint8Array((4 - (frame.byteLength % 4)) % 4),
    ]),
  );
}

export function randomFrames(random: Random, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const most = random() % 8 === 0 ? frameBytesMax : 40;
    return randomBytes(random, between(random, 1, most));
  });
}
