/**
 * LaneWire: how bodies lie in the byte stream of a bulk lane.
 *
 *   | preamble | u32 body bytes | u8 header bytes | 3 zero bytes | header | body |  next record ...
 *
 * Each end begins with the preamble, once; whoever dialled waits for the other's before it says
 * more. Read as the length of a frame, the preamble is negative, so no stream of frames begins so.
 */
import { bodyBytesMax, laneHeaderBytesMax } from '../../core/bulk-lane.js';

/** The bytes `I`, `D`, `L` and 0x81, for version 1, as a little-endian word. */
export const preambleWord: number = 0x814c_4449 | 0;
export const preambleBytes = 4;

/** Bytes before the header. */
export const prefixBytes = 8;
/** Bytes of the longest prefix and header. */
export const recordHeadBytesMax: number = prefixBytes + laneHeaderBytesMax;

const headerBytesOffset = 4;

export function makePreamble(): Uint8Array {
  const bytes = new Uint8Array(preambleBytes);
  new DataView(bytes.buffer).setInt32(0, preambleWord, true);
  return bytes;
}

/** Writes the prefix at the start of `view`. */
export function setPrefix(view: DataView, headerBytes: number, bodyBytes: number): void {
  view.setUint32(0, bodyBytes, true);
  view.setUint32(headerBytesOffset, headerBytes, true);
}

/** What the prefix at the start of `view` says; -1 if no legal peer says that. */
export function headerBytesOf(view: DataView): number {
  const headerBytes = view.getUint32(headerBytesOffset, true);
  return headerBytes > 0 && headerBytes <= laneHeaderBytesMax ? headerBytes : -1;
}

export function bodyBytesOf(view: DataView): number {
  const bodyBytes = view.getUint32(0, true);
  return bodyBytes <= bodyBytesMax ? bodyBytes : -1;
}
