/** Geometry: what a back end says that its device is. */
import { blockBytesMax } from '../block-range.js';

export interface Geometry {
  readonly byteLength: number;
  readonly blockBytes: number;
  readonly isReadOnly: boolean;
  /** Names what the device holds; see `ServeDeviceOptions`. */
  readonly contents: string;
}

/** False if no device can be so. */
export function isGeometry({ byteLength, blockBytes }: Geometry): boolean {
  const isPower = blockBytes > 0 && (blockBytes & (blockBytes - 1)) === 0;
  return isPower && blockBytes <= blockBytesMax && byteLength % blockBytes === 0;
}
