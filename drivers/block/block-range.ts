/** What every block device asks before it does anything: is this range, this geometry legal? */
import { assert } from 'idc/contract';
import type { BlockDevice, Extent } from './block-device.js';
import { BlockError, BlockErrorCode } from './block-error.js';

export const blockBytesMax = 65536;

/** A failed operation. */
export function refuse(code: BlockErrorCode, reason: string): Promise<never> {
  return Promise.reject(new BlockError(code, reason));
}

/** Why the range is illegal, or undefined. Numbers that are no integers are not legal either. */
// HOT:
export function checkRange(
  device: Pick<BlockDevice, 'byteLength' | 'blockBytes'>,
  offset: number,
  byteLength: number,
): BlockErrorCode | undefined {
  const isInside = offset >= 0 && byteLength >= 0 && offset <= device.byteLength - byteLength;
  if (!isInside) return BlockErrorCode.OutOfRange;
  const { blockBytes } = device;
  const isAligned = offset % blockBytes === 0 && byteLength % blockBytes === 0;
  return isAligned ? undefined : BlockErrorCode.Misaligned;
}

/** The sentence for a range that `checkRange` refused. */
export function describeRange(
  device: Pick<BlockDevice, 'byteLength' | 'blockBytes'>,
  offset: number,
  byteLength: number,
): string {
  const place = `${device.byteLength} bytes in blocks of ${device.blockBytes}`;
  return `${byteLength} bytes at ${offset} of a device of ${place}`;
}

/** Wrong geometry is a programmer's error. */
export function assertGeometry(byteLength: number, blockBytes: number): void {
  const isPower = Number.isInteger(blockBytes) && (blockBytes & (blockBytes - 1)) === 0;
  assert(
    isPower && blockBytes > 0 && blockBytes <= blockBytesMax,
    'a block is a power of two of at most 65536 bytes',
    'BAD_ARGUMENT',
  );
  assert(
    Number.isSafeInteger(byteLength) && byteLength >= 0 && byteLength % blockBytes === 0,
    'a device is a whole number of blocks',
    'BAD_ARGUMENT',
  );
}

/** Makes `extents` longer by one, or its last one longer if it is of the same kind. */
export function appendExtent(extents: Extent[], extent: Extent): void {
  const last = extents.at(-1);
  const isSame = last?.isHole === extent.isHole && last.isZero === extent.isZero;
  if (!isSame) extents.push(extent);
  else extents[extents.length - 1] = { ...last, byteLength: last.byteLength + extent.byteLength };
}
