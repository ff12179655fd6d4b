/**
 * The seam to the codec library: the only file that knows its name.
 *
 * It is BARE (baremessages.org): numbers of variable length, no tags, canonical. The library checks
 * the bounds of every read, refuses text that is not UTF-8 and numbers that are longer than they
 * need be, and allocates nothing by the peer's word. Values are checked before they come here.
 */
import { ByteCursor, Config } from '@rivetkit/bare-ts';

export {
  BareError as WireError,
  readBool,
  readF64,
  readFixedString,
  readIntSafe,
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

/** A cursor over memory that never grows; writing more throws `WireError`. */
export function makeCursor(bytes: Uint8Array): ByteCursor {
  return new ByteCursor(bytes, Config({ initialBufferLength: 0, maxBufferLength: bytes.length }));
}
