/**
 * The one list of error codes, and the error class that carries them to a client.
 *
 * Inside the package codes are plain values; `IdcError` appears only where a promise or an
 * observable hands a failure over. Programmer errors are not here but in `assert.ts`.
 */

/** Stable names. What each one means and what the caller may do is in `errorTable`. */
export const ErrorCode = {
  Ok: 'OK',
  NotConnected: 'NOT_CONNECTED',
  Disconnected: 'DISCONNECTED',
  Refused: 'REFUSED',
  TooLarge: 'TOO_LARGE',
  Quota: 'QUOTA',
  BackPressured: 'BACK_PRESSURED',
  Cancelled: 'CANCELLED',
  Timeout: 'TIMEOUT',
  Remote: 'REMOTE',
  AccessDenied: 'ACCESS_DENIED',
  Corrupt: 'CORRUPT',
  Destroyed: 'DESTROYED',
  Unsupported: 'UNSUPPORTED',
  BadAddress: 'BAD_ADDRESS',
  AddressInUse: 'ADDRESS_IN_USE',
  Unreachable: 'UNREACHABLE',
  WrongVersion: 'WRONG_VERSION',
  Silent: 'SILENT',
  Superseded: 'SUPERSEDED',
  Exhausted: 'EXHAUSTED',
  StaleReference: 'STALE_REFERENCE',
  OutOfRange: 'OUT_OF_RANGE',
  ExpiredReference: 'EXPIRED_REFERENCE',
  ForgedReference: 'FORGED_REFERENCE',
  BadReference: 'BAD_REFERENCE',
  ForeignReference: 'FOREIGN_REFERENCE',
  StaleLease: 'STALE_LEASE',
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** What is known of work that failed: it was not begun, may have been, or was. */
export type Execution = 'never' | 'maybe' | 'done';

interface ErrorEntry {
  /** The code's number on the wire. Never reused. */
  readonly wire: number;
  /** Cause, and what the caller may do. */
  readonly meaning: string;
}

export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = {
  OK: { wire: 0, meaning: 'No error.' },
  NOT_CONNECTED: { wire: 1, meaning: 'No epoch is open; wait for connect and submit again.' },
  DISCONNECTED: { wire: 2, meaning: 'The epoch ended first; `execution` says what is known.' },
  REFUSED: { wire: 3, meaning: 'The peer does not offer this service, or not to us.' },
  TOO_LARGE: { wire: 4, meaning: 'More bytes than the agreed quota allows; send less.' },
  QUOTA: { wire: 5, meaning: 'All slots are taken; wait for a completion, then submit again.' },
  BACK_PRESSURED: {
    wire: 6,
    meaning: 'The medium is full; `whenWritable()` tells when it is not.',
  },
  CANCELLED: { wire: 7, meaning: 'The initiator gave up; `execution` says what the peer knew.' },
  TIMEOUT: { wire: 8, meaning: 'The time limit passed; `execution` says what the peer knew.' },
  REMOTE: { wire: 9, meaning: 'The handler answered with a code of its own: `remoteCode`.' },
  ACCESS_DENIED: { wire: 10, meaning: 'The identity proven by the transport is not allowed this.' },
  CORRUPT: { wire: 11, meaning: 'The peer sent what no legal peer sends; the epoch is over.' },
  DESTROYED: { wire: 12, meaning: 'The endpoint, listener or domain was destroyed.' },
  UNSUPPORTED: {
    wire: 13,
    meaning: 'The other side has no handler for this, or lacks the feature.',
  },
  BAD_ADDRESS: { wire: 14, meaning: 'The address does not parse or names no known transport.' },
  ADDRESS_IN_USE: { wire: 15, meaning: 'Somebody else listens there; the listener keeps trying.' },
  UNREACHABLE: { wire: 16, meaning: 'Nothing answers at the address; dialling goes on.' },
  WRONG_VERSION: { wire: 17, meaning: 'The peer speaks another protocol version.' },
  SILENT: { wire: 18, meaning: 'The peer missed its keep-alive; the epoch is over.' },
  SUPERSEDED: { wire: 19, meaning: 'The peer came back on a new link; the older epoch is over.' },
  EXHAUSTED: { wire: 20, meaning: 'A limit of this machine or listener is reached; try later.' },
  STALE_REFERENCE: { wire: 21, meaning: 'The buffer was unregistered, or its owner restarted.' },
  OUT_OF_RANGE: { wire: 22, meaning: 'The bytes lie outside what the reference covers.' },
  EXPIRED_REFERENCE: { wire: 23, meaning: "The reference's time is over, by the owner's clock." },
  FORGED_REFERENCE: { wire: 24, meaning: 'The owner did not make this reference.' },
  BAD_REFERENCE: { wire: 25, meaning: 'The bytes are no reference: cut off, or of a new version.' },
  FOREIGN_REFERENCE: { wire: 26, meaning: 'The reference names the buffer of another domain.' },
  STALE_LEASE: { wire: 27, meaning: 'The write was on its way for too long; ask for a new lease.' },
};

const byWire: ReadonlyMap<number, ErrorCode> = new Map(
  Object.values(ErrorCode).map((code) => [errorTable[code].wire, code]),
);

/** The code behind a wire number; a number of some later version reads as REFUSED. */
export function errorFromWire(wire: number): ErrorCode {
  return byWire.get(wire) ?? ErrorCode.Refused;
}

/** What an `IdcError` may carry beside its code. */
export interface IdcErrorDetails {
  /** One sentence for a person. */
  readonly reason?: string;
  /** With REMOTE: the application's own code, never 0. */
  readonly remoteCode?: number;
  /** With REMOTE: the status bytes, a private copy. */
  readonly status?: Uint8Array;
}

/**
 * A failure as a client sees it.
 *
 * `execution` is never wrong and never lazier than the evidence: `never` means that no handler of
 * the peer saw the work, so it is safe to submit again (`retrySafe`); `done` that a handler
 * answered it; `maybe` that the epoch ended without evidence either way.
 */
export class IdcError extends Error {
  readonly code: ErrorCode;
  readonly execution: Execution;
  readonly reason: string;
  readonly remoteCode: number | undefined;
  readonly status: Uint8Array | undefined;

  constructor(code: ErrorCode, execution: Execution, details: IdcErrorDetails = {}) {
    const reason = details.reason ?? errorTable[code].meaning;
    super(`${code} (${execution}): ${reason}`);
    this.name = 'IdcError';
    this.code = code;
    this.execution = execution;
    this.reason = reason;
    this.remoteCode = details.remoteCode;
    this.status = details.status;
  }

  /** True if submitting the same work again cannot execute it twice. */
  get retrySafe(): boolean {
    return this.execution === 'never';
  }
}
