/**
 * Assertions: what must hold if this code and its caller are right.
 *
 * A failed assertion is a programmer error. It is thrown, never caught, never turned into a code
 * that crosses the wire; a process that meets one is meant to end. Operating errors (a dead peer,
 * a full quota) are values and live in `errors.ts`.
 */

/** Names of the programmer errors that a client of this package can make. */
export type AssertionCode =
  | 'COMPLETED_TWICE'
  | 'HANDLER_THREW'
  | 'DESTROY_AWAITED_IN_DISCONNECT'
  | 'BAD_ARGUMENT'
  | 'ILLEGAL_EVENT'
  | 'INVARIANT';

/** A programmer error. `code` is stable; the message is for people. */
export class IdcAssertionError extends Error {
  readonly code: AssertionCode;

  constructor(code: AssertionCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.name = 'IdcAssertionError';
    this.code = code;
  }
}

/** Fails with `code` unless `condition` holds. Hot callers pass a constant message. */
export function assert(
  condition: boolean,
  message: string,
  code: AssertionCode = 'INVARIANT',
): asserts condition {
  if (!condition) fail(message, code);
}

/** Fails at once; apart from `assert` so that the throw does not burden the inlined check. */
export function fail(message: string, code: AssertionCode = 'INVARIANT'): never {
  throw new IdcAssertionError(code, message);
}

/** The end of an exhaustive switch: the compiler proves that it is not reached. */
export function unreachable(value: never): never {
  throw new IdcAssertionError('INVARIANT', `unreachable: ${String(value)}`);
}
