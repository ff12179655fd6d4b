/**
 * Scalar codecs: numbers, booleans and references, and what every codec of a field is.
 *
 * Writing checks the value first and throws `ValueError`; reading throws `WireError` for bytes that
 * no writer makes. Lengths and counts are compared with the schema before anything is allocated.
 */
import type { Endpoint } from 'idc';
import { decodeReference, encodeReference, referenceBytesMax } from './reference-field.js';
import type { Scalar } from './schema.js';
import {
  readBool,
  readF64,
  readIntSafe,
  readU16,
  readU64,
  readU8,
  readUintSafe,
  readUintSafe32,
  readUnsafeU8FixedArray,
  WireError,
  writeBool,
  writeF64,
  writeIntSafe,
  writeU16,
  writeU64,
  writeU8,
  writeU8FixedArray,
  writeUintSafe,
  writeUintSafe32,
  type ByteCursor,
} from './wire.js';

/** What reading depends on beside the bytes. */
export interface ReadScope {
  /** The endpoint that the bytes came over. */
  readonly from: Endpoint | undefined;
  /** True if `lent` bytes may be views of what is read. */
  readonly lends: boolean;
  /** Memory for the first bytes that are read and fit, which takes it. */
  into?: Uint8Array | undefined;
}

export interface FieldCodec {
  /** The most that a value takes. */
  readonly byteLengthMax: number;
  write(cursor: ByteCursor, value: unknown): void;
  read(cursor: ByteCursor, scope: ReadScope): unknown;
}

/** A value that is not of its field's type. */
export class ValueError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'ValueError';
  }

  static not(wanted: string): ValueError {
    return new ValueError(`is not ${wanted}`);
  }
}

type WriteScalar = (cursor: ByteCursor, value: unknown) => void;
type ReadScalar = (cursor: ByteCursor, scope: ReadScope) => unknown;

class ScalarCodec implements FieldCodec {
  readonly byteLengthMax: number;
  readonly write: WriteScalar;
  readonly read: ReadScalar;

  constructor(byteLengthMax: number, write: WriteScalar, read: ReadScalar) {
    this.byteLengthMax = byteLengthMax;
    this.write = write;
    this.read = read;
  }
}

/** The codec of a field that one word describes. */
export function compileScalar(kind: Scalar): FieldCodec {
  switch (kind) {
    case 'boolean':
      return new ScalarCodec(1, writeBoolean, readBool);
    case 'uint8':
      return new ScalarCodec(1, writeUint8, readU8);
    case 'uint16':
      return new ScalarCodec(2, writeUint16, readU16);
    case 'uint32':
      return new ScalarCodec(5, writeUint32, readUintSafe32);
    case 'uint53':
      return new ScalarCodec(8, writeUint53, readUintSafe);
    case 'int32':
      return new ScalarCodec(5, writeInt32, readInt32);
    case 'int53':
      return new ScalarCodec(8, writeInt53, readIntSafe);
    case 'uint64':
      return new ScalarCodec(8, writeUint64, readU64);
    case 'float64':
      return new ScalarCodec(8, writeFloat64, readF64);
    case 'reference':
      return new ScalarCodec(referenceBytesMax + 2, writeReference, readReference);
    default:
      throw ValueError.not(`a kind of field: ${String(kind satisfies never)}`);
  }
}

function writeBoolean(cursor: ByteCursor, value: unknown): void {
  if (typeof value !== 'boolean') throw ValueError.not('a boolean');
  writeBool(cursor, value);
}

function writeUint8(cursor: ByteCursor, value: unknown): void {
  if (typeof value !== 'number' || value !== (value & 0xff)) throw ValueError.not('a uint8');
  writeU8(cursor, value);
}

function writeUint16(cursor: ByteCursor, value: unknown): void {
  if (typeof value !== 'number' || value !== (value & 0xffff)) throw ValueError.not('a uint16');
  writeU16(cursor, value);
}

function writeUint32(cursor: ByteCursor, value: unknown): void {
  if (typeof value !== 'number' || value !== value >>> 0) throw ValueError.not('a uint32');
  writeUintSafe32(cursor, value);
}

function writeUint53(cursor: ByteCursor, value: unknown): void {
  const isRight = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  if (!isRight) throw ValueError.not('a uint53');
  writeUintSafe(cursor, value);
}

function writeInt32(cursor: ByteCursor, value: unknown): void {
  if (typeof value !== 'number' || value !== (value | 0)) throw ValueError.not('an int32');
  writeIntSafe(cursor, value);
}

function readInt32(cursor: ByteCursor): number {
  const value = readIntSafe(cursor);
  if (value !== (value | 0)) throw new WireError(cursor.offset, 'not an int32');
  return value;
}

function writeInt53(cursor: ByteCursor, value: unknown): void {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw ValueError.not('an int53');
  writeIntSafe(cursor, value);
}

function writeUint64(cursor: ByteCursor, value: unknown): void {
  const isRight = typeof value === 'bigint' && value === BigInt.asUintN(64, value);
  if (!isRight) throw ValueError.not('a uint64, which is a bigint');
  writeU64(cursor, value);
}

function writeFloat64(cursor: ByteCursor, value: unknown): void {
  if (typeof value !== 'number') throw ValueError.not('a number');
  writeF64(cursor, value);
}

function writeReference(cursor: ByteCursor, value: unknown): void {
  const bytes = encodeReference(value);
  if (bytes === undefined) throw ValueError.not('a remote buffer reference');
  writeUintSafe32(cursor, bytes.length);
  writeU8FixedArray(cursor, bytes);
}

function readReference(cursor: ByteCursor, scope: ReadScope): unknown {
  const bytes = readBytes(cursor, referenceBytesMax);
  const reference = decodeReference(bytes, scope.from);
  if (reference === undefined) throw new WireError(cursor.offset, 'not a reference');
  return reference;
}

/** Reads a length and answers a view of as many bytes. */
export function readBytes(cursor: ByteCursor, most: number): Uint8Array {
  const byteLength = readUintSafe32(cursor);
  if (byteLength > most) throw new WireError(cursor.offset, `more than ${most} bytes`);
  return readUnsafeU8FixedArray(cursor, byteLength);
}

/** HOT: reads a length and answers a copy of as many bytes; without a view in between. */
export function copyBytes(cursor: ByteCursor, most: number, scope: ReadScope): Uint8Array {
  const byteLength = readUintSafe32(cursor);
  if (byteLength > most) throw new WireError(cursor.offset, `more than ${most} bytes`);
  const { bytes, offset } = cursor;
  if (offset + byteLength > bytes.length) throw new WireError(offset, 'missing bytes');
  cursor.offset = offset + byteLength;
  const { into } = scope;
  if (into === undefined || byteLength > into.length) {
    return bytes.slice(offset, offset + byteLength);
  }
  scope.into = undefined;
  into.set(bytes.subarray(offset, offset + byteLength));
  return byteLength === into.length ? into : into.subarray(0, byteLength);
}
