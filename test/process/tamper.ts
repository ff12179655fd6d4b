/**
 * Tamper: changes records on the line, or ends it within one. What is changed is noted in words,
 * for the message of a failure.
 */
import { headerBytes } from '../../transports/tcp/framing.js';
import { between, type Random } from '../compliance/random.js';

export interface Tamper {
  /** Nothing more will be changed. */
  readonly isDone: boolean;
  /** The line ends after what `take` answered last. */
  readonly isCut: boolean;
  /** What was done so far. */
  readonly deeds: readonly string[];
  /** Answers what goes on instead of `record`. */
  take(record: Buffer): Buffer;
}

/**
 * Which bytes of a record: its length, the frame's first word, the words that follow, anything of
 * the frame, the padding behind it, or only what is deep in a body and no header of any frame.
 */
export const regions = ['length', 'head', 'words', 'any', 'padding', 'filler'] as const;
export type Region = (typeof regions)[number];

/** Beyond the longest headers and the longest label of a body. */
const fillerOffset = 256;

export class Corruption implements Tamper {
  readonly deeds: string[] = [];
  readonly isCut: boolean = false;
  readonly #random: Random;
  readonly #region: Region;
  readonly #skipMax: number;
  #leftCount: number;
  #skipCount: number;

  /** Changes `count` records, each after at most `skipMax` others that could be changed. */
  constructor(random: Random, region: Region, count: number, skipMax: number) {
    this.#random = random;
    this.#region = region;
    this.#leftCount = count;
    this.#skipMax = skipMax;
    this.#skipCount = between(random, 0, skipMax);
  }

  get isDone(): boolean {
    return this.#leftCount === 0;
  }

  take(record: Buffer): Buffer {
    const [start, end] = boundsOf(record, this.#region);
    if (start >= end || this.#skipCount-- > 0) return record;
    this.#skipCount = between(this.#random, 0, this.#skipMax);
    this.#leftCount--;
    const changed = Buffer.from(record);
    for (let count = between(this.#random, 1, 4); count > 0; count--) {
      this.#change(changed, between(this.#random, start, end - 1));
    }
    // Two changes may have undone each other.
    if (changed.equals(record)) changed.writeUInt8(record.readUInt8(start) ^ 1, start);
    const type = record.readUInt8(headerBytes);
    this.deeds.push(`${this.#region} of a frame of type ${type}, ${record.length} bytes`);
    return changed;
  }

  /** A bit, a byte, or a byte off by one. */
  #change(bytes: Buffer, at: number): void {
    const before = bytes.readUInt8(at);
    const choices = [before ^ (1 << (this.#random() % 8)), this.#random(), before + 1, before - 1];
    bytes.writeUInt8((choices[this.#random() % choices.length] ?? 0) & 0xff, at);
  }
}

/** Lets so many records pass, and only a part of the next. */
export class Cut implements Tamper {
  readonly deeds: string[] = [];
  readonly #random: Random;
  #skipCount: number;
  #isCut = false;

  constructor(random: Random, skipMax: number) {
    this.#random = random;
    this.#skipCount = between(random, 0, skipMax);
  }

  get isDone(): boolean {
    return this.#isCut;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  take(record: Buffer): Buffer {
    if (this.#skipCount-- > 0) return record;
    this.#isCut = true;
    const isEarly = this.#random() % 2 === 0;
    const most = isEarly ? Math.min(record.length - 1, 2 * headerBytes) : record.length - 1;
    const byteLength = between(this.#random, 1, most);
    this.deeds.push(`${byteLength} of ${record.length} bytes`);
    return record.subarray(0, byteLength);
  }
}

function boundsOf(record: Buffer, region: Region): [number, number] {
  const frameEnd = headerBytes + record.readInt32LE();
  switch (region) {
    case 'length':
      return [0, headerBytes];
    case 'head':
      return [headerBytes, headerBytes + 4];
    case 'words':
      return [headerBytes + 4, Math.min(frameEnd, headerBytes + 16)];
    case 'any':
      return [headerBytes, frameEnd];
    case 'padding':
      return [frameEnd, record.length];
    case 'filler':
      return [headerBytes + fillerOffset, frameEnd];
  }
}
