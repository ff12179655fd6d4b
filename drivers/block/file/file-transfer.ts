/** Whole reads and writes of a file through the thread pool, and what their errors mean. */
import { read, write, writeSync } from 'node:fs';
import { BlockError, BlockErrorCode } from '../block-error.js';

/** Told once: undefined, or why not. */
export type Settle = (error: BlockError | undefined) => void;

/** `what` begins the sentence, as in "write". */
export function blockErrorOf(error: Error, what: string): BlockError {
  const code: unknown = Reflect.get(error, 'code');
  const isRoom = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  const blockCode = isRoom ? BlockErrorCode.NoSpace : BlockErrorCode.Failed;
  return new BlockError(blockCode, `${what} failed: ${error.message}`, { cause: error });
}

/** Fills `target` from its byte `start` on. */
export function readRest(
  descriptor: number,
  target: Uint8Array,
  start: number,
  offset: number,
  settle: Settle,
): void {
  const length = target.byteLength - start;
  read(descriptor, target, start, length, offset + start, (error, count) => {
    if (error !== null) settle(blockErrorOf(error, 'read'));
    else if (count === length) settle(undefined);
    else if (count > 0) readRest(descriptor, target, start + count, offset, settle);
    else settle(new BlockError(BlockErrorCode.Failed, 'read failed: the file became shorter'));
  });
}

/** Writes on the caller's thread, from the start on; answers how many bytes were written. */
// HOT:
export function writeNow(descriptor: number, source: Uint8Array, offset: number): number {
  try {
    return writeSync(descriptor, source, 0, source.byteLength, offset);
  } catch {
    return 0; // Whoever writes the rest is told the same again.
  }
}

/** Writes `source` from its byte `start` on. */
export function writeRest(
  descriptor: number,
  source: Uint8Array,
  start: number,
  offset: number,
  settle: Settle,
): void {
  const length = source.byteLength - start;
  write(descriptor, source, start, length, offset + start, (error, count) => {
    if (error !== null) settle(blockErrorOf(error, 'write'));
    else if (count === length) settle(undefined);
    else writeRest(descriptor, source, start + count, offset, settle);
  });
}

/** Writes `byteLength` zeroes from `zeroes`, which has at least one. */
export function writeZeroBytes(
  descriptor: number,
  zeroes: Uint8Array,
  offset: number,
  byteLength: number,
  settle: Settle,
): void {
  const length = Math.min(zeroes.byteLength, byteLength);
  write(descriptor, zeroes, 0, length, offset, (error, count) => {
    if (error !== null) settle(blockErrorOf(error, 'write'));
    else if (count === byteLength) settle(undefined);
    else writeZeroBytes(descriptor, zeroes, offset + count, byteLength - count, settle);
  });
}
