/** A link that records what is committed and refuses claims when the test says so. */
import assert from 'node:assert/strict';
import { ByteArea } from '../../core/byte-area.js';
import { EpochWriter } from '../../core/epoch-writer.js';
import { flagsOf, typeOf } from '../../core/frame.js';
import { ClaimRefusal, type Link } from '../../core/transport.js';

/** A frame as a test looks at it. */
export interface SentFrame {
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly flags: number;
  /** Words 1 and 2; 0 where the frame ends before. */
  readonly first: number;
  readonly second: number;
}

export class FakeLink implements Link {
  readonly claimBytes: Uint8Array;
  /** Committed and not yet taken by the test. */
  readonly sent: Uint8Array[] = [];
  /** How many more frames it takes before it refuses. */
  room: number = Infinity;
  /** A claim was refused since this was last set to false: `writable` is owed. */
  isWritableOwed = false;
  isClosed = false;
  readonly #frameBytesMax: number;
  #at = 0;
  #openBytes = -1;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
    this.claimBytes = new Uint8Array(frameBytesMax + 64);
  }

  claim(byteLength: number): number {
    assert.equal(this.#openBytes, -1, 'one claim at a time');
    if (byteLength > this.#frameBytesMax) return ClaimRefusal.TooLarge;
    if (this.room <= 0) {
      this.isWritableOwed = true;
      return ClaimRefusal.BackPressured;
    }
    // Whatever is not written must not look as if it were.
    this.claimBytes.fill(0xee);
    this.#at = (this.#at + 4) & 60;
    this.#openBytes = byteLength;
    return this.#at;
  }

  commit(): void {
    assert(this.#openBytes >= 0, 'a claim is open');
    this.sent.push(this.claimBytes.slice(this.#at, this.#at + this.#openBytes));
    this.#openBytes = -1;
    this.room--;
  }

  abort(): void {
    assert(this.#openBytes >= 0, 'a claim is open');
    this.#openBytes = -1;
  }

  close(): void {
    this.isClosed = true;
  }

  /** Takes the frames sent so far out, read. */
  takeSent(): SentFrame[] {
    return this.sent.splice(0).map(readFrame);
  }
}

export function readFrame(bytes: Uint8Array): SentFrame {
  const area = new ByteArea(bytes);
  const head = area.getWord(0);
  return {
    bytes,
    type: typeOf(head),
    flags: flagsOf(head),
    first: bytes.length >= 8 ? area.getWord(4) : 0,
    second: bytes.length >= 12 ? area.getWord(8) : 0,
  };
}

export function makeWriter(link: FakeLink, frameBytesMax: number, epochTag = 1): EpochWriter {
  return new EpochWriter(link, new ByteArea(link.claimBytes), frameBytesMax, epochTag, () => {});
}

/** A frame of words and a body. */
export function makeFrame(
  words: readonly number[],
  body: Uint8Array = new Uint8Array(0),
): ByteArea {
  const area = new ByteArea(new Uint8Array(4 * words.length + body.length));
  words.forEach((word, index) => {
    area.setWord(4 * index, word);
  });
  area.bytes.set(body, 4 * words.length);
  return area;
}

/** `byteLength` bytes that tell their place and `seed`. */
export function patternBytes(byteLength: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: byteLength }, (_, index) => (index * 31 + seed * 7) & 0xff);
}
