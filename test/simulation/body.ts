/**
 * The bodies that simulated clients send: a header by which the books find the item again, and
 * bytes that follow from it, so that one that was lost, moved or altered is seen.
 *
 *   word 0  item id    word 1  epoch in which it was submitted    word 2  hops that it has to go
 */
export const bodyHeaderBytes = 12;

export interface BodyHeader {
  readonly id: number;
  readonly epoch: number;
  readonly hops: number;
}

export function makeBody(header: BodyHeader, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, header.id, true);
  view.setUint32(4, header.epoch, true);
  view.setUint32(8, header.hops, true);
  for (let index = bodyHeaderBytes; index < byteLength; index++) {
    bytes[index] = byteAt(header.id, index);
  }
  return bytes;
}

/** The header, or undefined if the bytes are not what `makeBody` made. */
export function readBody(
  bytes: Uint8Array,
  offset: number,
  byteLength: number,
): BodyHeader | undefined {
  if (byteLength < bodyHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, byteLength);
  const id = view.getUint32(0, true);
  for (let index = bodyHeaderBytes; index < byteLength; index++) {
    if (bytes[offset + index] !== byteAt(id, index)) return undefined;
  }
  return { id, epoch: view.getUint32(4, true), hops: view.getUint32(8, true) };
}

function byteAt(id: number, index: number): number {
  return (id * 31 + index * 7) & 0xff;
}
