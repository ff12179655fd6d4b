/** How replies of the transmission phase are laid out. Each function puts in one whole reply. */
import type { Extent } from '../block-device.js';
import {
  allocationContextId,
  chunkBytes,
  chunkDone,
  ChunkType,
  simpleReplyBytes,
  simpleReplyMagic,
  StateFlag,
  structuredReplyMagic,
} from './nbd-protocol.js';
import type { NbdError } from './nbd-protocol.js';
import type { Output } from './output.js';
import type { NbdRequest } from './request.js';

/** More than this the answer to a question for extents does not hold. */
export const extentsMax = 1024;
const extentBytes = 8;

/** With the request's payload as data, if it has one. */
// HOT:
export function putSimpleReply(output: Output, request: NbdRequest, error: NbdError): void {
  const start = output.claim(simpleReplyBytes);
  const { view } = output;
  view.setUint32(start, simpleReplyMagic);
  view.setUint32(start + 4, error);
  view.setUint32(start + 8, request.cookieHigh);
  view.setUint32(start + 12, request.cookieLow);
  output.endReply(request.heldBytes, request.payload);
}

/** With the request's payload as data; without one it says that there is none. */
// HOT:
export function putStructuredData(output: Output, request: NbdRequest): void {
  const { payload } = request;
  if (payload === undefined) {
    putChunk(output, request, ChunkType.None, 0, 0);
  } else {
    const dataBytes = payload.data.byteLength;
    const start = putChunk(output, request, ChunkType.OffsetData, 8 + dataBytes, 8);
    output.view.setUint32(start, Math.floor(request.offset / 2 ** 32));
    output.view.setUint32(start + 4, request.offset >>> 0);
  }
  output.endReply(request.heldBytes, payload);
}

/** A code and nothing else: what a client may know of a failure. */
export function putStructuredError(output: Output, request: NbdRequest, error: NbdError): void {
  const start = putChunk(output, request, ChunkType.Error, 6, 6);
  output.view.setUint32(start, error);
  output.view.setUint16(start + 4, 0);
  output.endReply(request.heldBytes, undefined);
}

export function putExtents(output: Output, request: NbdRequest, extents: readonly Extent[]): void {
  const byteLength = 4 + extentBytes * extents.length;
  let place = putChunk(output, request, ChunkType.BlockStatus, byteLength, byteLength);
  const { view } = output;
  view.setUint32(place, allocationContextId);
  place += 4;
  for (const { byteLength: extentLength, isHole, isZero } of extents) {
    const state = (isHole ? StateFlag.Hole : 0) | (isZero ? StateFlag.Zero : 0);
    view.setUint32(place, extentLength);
    view.setUint32(place + 4, state);
    place += extentBytes;
  }
  output.endReply(request.heldBytes, undefined);
}

/** The only chunk of a reply; answers where the first `claimBytes` of what it holds go. */
// HOT:
function putChunk(
  output: Output,
  request: NbdRequest,
  type: number,
  byteLength: number,
  claimBytes: number,
): number {
  const start = output.claim(chunkBytes + claimBytes);
  const { view } = output;
  view.setUint32(start, structuredReplyMagic);
  view.setUint16(start + 4, chunkDone);
  view.setUint16(start + 6, type);
  view.setUint32(start + 8, request.cookieHigh);
  view.setUint32(start + 12, request.cookieLow);
  view.setUint32(start + 16, byteLength);
  return start + chunkBytes;
}
