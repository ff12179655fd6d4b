/**
 * The wire layout of what travels on the bulk lane of a channel: the headers of its bodies, encoded
 * and decoded in place. Little-endian; what is not named is zero.
 *
 *   Hello                   Write: data for a buffer          Read: what a LaneRead asked for
 *     0 u8  1                 0 u8   2                          0 u8   3
 *     8 16  token             4 u32  number of the body         4 u32  number of the body
 *                             8 u32  name of the reference
 *                            16 f64  offset in the reference
 *                            24 f64  stamp, as of a Write
 *                            32 24   operation, as of a Write
 *
 * A lane and its channel are two connections, so a body and the transaction of the same number come
 * in any order. The header of a Write therefore says all that its owner has to judge.
 */
import { AreaCache, type ByteArea } from '../byte-area.js';
import { assert } from '../assert.js';
import { laneHeaderBytesMax } from '../bulk-lane.js';
import { operationBytes } from './transfer-wire.js';

export const BodyKind = { Hello: 1, Write: 2, Read: 3 } as const;
export type BodyKind = (typeof BodyKind)[keyof typeof BodyKind];

export const tokenBytes = 16;

const tokenAt = 8;
const operationAt = 32;
/** By kind. */
const headerBytes: readonly number[] = [0, tokenAt + tokenBytes, operationAt + operationBytes, 8];
assert(Math.max(...headerBytes) <= laneHeaderBytesMax, 'every header fits into a lane');

/** Whoever sends: makes headers in memory that is used again. */
export class BodyHeads {
  readonly #hello = new Uint8Array(headerBytes[BodyKind.Hello] ?? 0);
  readonly #write = new Uint8Array(headerBytes[BodyKind.Write] ?? 0);
  readonly #read = new Uint8Array(headerBytes[BodyKind.Read] ?? 0);
  readonly #writeView = new DataView(this.#write.buffer);
  readonly #readView = new DataView(this.#read.buffer);

  constructor() {
    this.#hello[0] = BodyKind.Hello;
    this.#write[0] = BodyKind.Write;
    this.#read[0] = BodyKind.Read;
  }

  hello(token: Uint8Array): Uint8Array {
    assert(token.length === tokenBytes, 'a token has 16 bytes');
    this.#hello.set(token, tokenAt);
    return this.#hello;
  }

  /** `operation`: its 24 bytes, as in a request. */
  write(
    number: number,
    name: number,
    offset: number,
    stamp: number,
    operation: Uint8Array,
  ): Uint8Array {
    const view = this.#writeView;
    view.setUint32(4, number, true);
    view.setUint32(8, name, true);
    view.setFloat64(16, offset, true);
    view.setFloat64(24, stamp, true);
    this.#write.set(operation, operationAt);
    return this.#write;
  }

  read(number: number): Uint8Array {
    this.#readView.setUint32(4, number, true);
    return this.#read;
  }
}

/** Whoever receives: one header, decoded in place. */
export class BodyHeader {
  kind = 0;
  number = 0;
  name = 0;
  offset = 0;
  stamp = 0;
  /** Where the operation and the token lie in `area`. */
  readonly operationAt: number = operationAt;
  readonly tokenAt: number = tokenAt;
  #area: ByteArea | undefined = undefined;
  readonly #areas = new AreaCache();

  /** Of the header that was read last. */
  get area(): ByteArea {
    assert(this.#area !== undefined, 'a header was read');
    return this.#area;
  }

  /** False: no legal peer sends this. */
  read(header: Uint8Array): boolean {
    const kind = header[0] ?? 0;
    if (kind < BodyKind.Hello || header.length !== headerBytes[kind]) return false;
    const area = this.#areas.areaOf(header);
    const { view } = area;
    this.#area = area;
    this.kind = kind;
    if (view.getUint32(0, true) !== kind) return false;
    this.number = view.getUint32(4, true);
    if (kind === BodyKind.Hello) return this.number === 0;
    if (kind === BodyKind.Read) return true;
    this.name = view.getUint32(8, true);
    // Adding 0 makes 0 of -0.
    this.offset = view.getFloat64(16, true) + 0;
    this.stamp = view.getFloat64(24, true);
    return (
      view.getUint32(12, true) === 0 &&
      this.offset >= 0 &&
      Number.isInteger(this.offset) &&
      this.stamp >= 0 &&
      this.stamp < Infinity
    );
  }
}
