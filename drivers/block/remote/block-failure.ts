/** How failures cross the wire: a `BlockError` by its code; and how the way itself can fail. */
import { ErrorCode, IdcError } from 'idc';
import { DriverError, type DriverFailure } from 'idc/drivers/kit';
import { BlockError, BlockErrorCode } from '../block-error.js';
import { blockProtocol } from './protocol.js';

/** At the back end: the answer for what a device or a transfer threw. Throws what is neither. */
export function failureOf(thrown: unknown): DriverFailure {
  if (thrown instanceof BlockError) return blockProtocol.failure(thrown.code);
  if (thrown instanceof IdcError) return blockProtocol.failure('NOT_MOVED');
  throw thrown;
}

const blockCodes: ReadonlySet<string> = new Set(Object.values(BlockErrorCode));

/** At the front end: the `BlockError` for what a call ended with. Throws what is no `IdcError`. */
export function blockErrorOf(thrown: unknown, address: string): BlockError {
  if (!(thrown instanceof IdcError)) {
    if (thrown instanceof BlockError) return thrown;
    throw thrown;
  }
  const options = { cause: thrown };
  if (thrown instanceof DriverError && isBlockCode(thrown.failure)) {
    return new BlockError(thrown.failure, `the device at ${address} refused`, options);
  }
  if (thrown.code === ErrorCode.Destroyed) {
    return new BlockError(BlockErrorCode.Closed, `the way to ${address} was closed`, options);
  }
  const { code, execution, reason } = thrown;
  const words = `${address}: ${code}, executed: ${execution}${reason === '' ? '' : `; ${reason}`}`;
  return new BlockError(BlockErrorCode.Failed, words, options);
}

/** True if the back end could not move the bytes; nothing changed. */
export function isNotMoved(thrown: unknown): boolean {
  return thrown instanceof DriverError && thrown.failure === 'NOT_MOVED';
}

function isBlockCode(name: string): name is BlockErrorCode {
  return blockCodes.has(name);
}
