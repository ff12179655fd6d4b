/** Where a file has data and where holes, by the file system's word. */
import type { Extent } from '../block-device.js';
import { appendExtent } from '../block-range.js';
import { noData, type FileCalls } from './file-calls.js';

/** One call asks so often: the answers may be on the disk, and the caller's thread waits. */
const questionsMax = 256;

interface Range {
  readonly offset: number;
  readonly byteLength: number;
  readonly blockBytes: number;
}

/** Those of the range, or of its beginning. A block with a byte of data in it is data. */
export function findExtents(calls: FileCalls, descriptor: number, range: Range): Extent[] {
  const { offset, byteLength, blockBytes } = range;
  const end = offset + byteLength;
  const extents: Extent[] = [];
  let place = offset;
  for (let asked = 0; asked < questionsMax && place < end; asked += 2) {
    const data = calls.nextData(descriptor, place);
    const dataStart = dataStartOf(data, place, range);
    if (dataStart > place) append(extents, dataStart - place, true);
    place = dataStart;
    if (place === end) break;
    const hole = calls.nextHole(descriptor, Math.max(place, data));
    const dataEnd = hole < 0 ? end : Math.min(end, Math.ceil(hole / blockBytes) * blockBytes);
    append(extents, dataEnd - place, false);
    place = dataEnd;
  }
  return extents;
}

function append(extents: Extent[], byteLength: number, isHole: boolean): void {
  appendExtent(extents, { byteLength, isHole, isZero: isHole });
}

/** Where the block begins that has the next data; what the system cannot tell is taken for data. */
function dataStartOf(data: number, place: number, range: Range): number {
  const end = range.offset + range.byteLength;
  if (data === noData) return end;
  const blockStart = Math.floor(data / range.blockBytes) * range.blockBytes;
  return Math.min(end, Math.max(place, blockStart));
}
