/** How an operation on a block device can fail: the one list of codes, and the error class. */

/** Stable names. */
export const BlockErrorCode = {
  /** The range does not lie within the device. */
  OutOfRange: 'OUT_OF_RANGE',
  /** Offset or length is no multiple of the device's block. */
  Misaligned: 'MISALIGNED',
  /** The device cannot be changed. */
  ReadOnly: 'READ_ONLY',
  /** The storage has no room left; nothing else is wrong with it. */
  NoSpace: 'NO_SPACE',
  /** The storage failed. What was to be written may be written in part. */
  Failed: 'FAILED',
  /** The device is closed. */
  Closed: 'CLOSED',
} as const;
export type BlockErrorCode = (typeof BlockErrorCode)[keyof typeof BlockErrorCode];

export class BlockError extends Error {
  readonly code: BlockErrorCode;

  constructor(code: BlockErrorCode, reason: string, options?: ErrorOptions) {
    super(`${code}: ${reason}`, options);
    this.name = 'BlockError';
    this.code = code;
  }
}
