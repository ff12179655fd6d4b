/**
 * The seam to the codec library: the only file that knows its name.
 *
 * It is BARE (baremessages.org): numbers of variable length, no tags, canonical. The library checks
 * the bounds of every read, refuses text that is not UTF-8 and numbers that are longer than they
 * need be, and allocates nothing by the peer's word. Values are checked before they come here.
 */
import { BareError, ByteCursor, Config, readU8, readUintSafe } from '@rivetkit/bare-ts';

export {
  BareError as WireError,
  readBool,
  readF64,
  readFixedString,
  readU16,
  readU64,
  readU8,
  readUintSafe,
  readUintSafe32,
  readUnsafeU8FixedArray,
  writeBool,
  writeF64,
  writeIntSafe,
  writeString,
  writeU16,
  writeU64,
  writeU8,
  writeU8FixedArray,
  writeUintSafe,
  writeUintSafe32,
  type ByteCursor,
} from '@rivetkit/bare-ts';

/**
 * Of up to 53 bits. The library's own refuses every one of eight bytes that begins with 0xff, to
 * keep -2^53 out.
 */
export function readIntSafe(cursor: ByteCursor): number {
  const first = readU8(cursor);
  const high = first >= 0x80 ? readUintSafe(cursor) : 0;
  if (first >= 0x80 && high === 0) throw new BareError(cursor.offset, 'must be canonical');
  const value = high * 0x40 + ((first & 0x7f) >> 1);
  const signed = (first & 1) === 1 ? -value - 1 : value;
  if (!Number.isSafeInteger(signed)) throw new BareError(cursor.offset, 'too large a number');
  return signed;
}

/** A cursor over memory that never grows; writing more throws `WireError`. */
export function makeCursor(bytes: Uint8Array): ByteCursor {
  return new ByteCursor(bytes, Config({ initialBufferLength: 0, maxBufferLength: bytes.length }));
}
