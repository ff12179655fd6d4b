/** The completion behind the promise form of a transaction. */
import { ErrorCode, IdcError, type Execution } from './errors.js';

export interface PromiseContext {
  readonly resolve: (status: Uint8Array) => void;
  readonly reject: (error: IdcError) => void;
  /** The caller's buffer for the status; without it the status gets one of its own. */
  readonly into: Uint8Array | undefined;
  onSettled: (() => void) | undefined;
}

export function settlePromise(
  context: PromiseContext,
  code: ErrorCode,
  execution: Execution,
  bytes: Uint8Array,
  offset: number,
  byteLength: number,
  remoteCode: number,
): void {
  context.onSettled?.();
  const status = bytes.subarray(offset, offset + byteLength);
  if (code === ErrorCode.Remote) {
    const reason = `the handler answered with code ${remoteCode}`;
    context.reject(
      new IdcError(code, execution, { reason, remoteCode, status: new Uint8Array(status) }),
    );
  } else if (code !== ErrorCode.Ok) {
    context.reject(new IdcError(code, execution));
  } else if (context.into === undefined) {
    // Not `bytes.slice`: a Buffer's shares its memory.
    context.resolve(new Uint8Array(status));
  } else if (byteLength > context.into.length) {
    const reason = `the status has ${byteLength} bytes, \`into\` takes ${context.into.length}`;
    context.reject(new IdcError(ErrorCode.TooLarge, 'done', { reason }));
  } else {
    context.into.set(status);
    context.resolve(context.into.subarray(0, byteLength));
  }
}
