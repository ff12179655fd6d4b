/**
 * How a call fails: `DriverError`, an `IdcError` that also names its failure, and `DriverFailure`,
 * with which a handler turns a transaction down.
 */
import { ErrorCode, IdcError, type Execution } from 'idc';

export interface KitFailureEntry {
  /** Across the wire as the transaction's code; 0 for those that never cross it. */
  readonly wire: number;
  readonly code: ErrorCode;
  readonly execution: Execution;
  readonly meaning: string;
}

export type KitFailure =
  | 'BAD_PARAMETERS'
  | 'UNKNOWN_ITEM'
  | 'NOT_AGREED'
  | 'WRONG_PROTOCOL'
  | 'WRONG_VERSION'
  | 'DEFINITIONS_DIFFER'
  | 'NOT_WRITER'
  | 'OUTCOME_UNKNOWN'
  | 'TOO_MANY_UNSETTLED'
  | 'BAD_STATUS'
  | 'BAD_VALUE'
  | 'QUEUE_FULL';

/** Failures of the kit itself. Numbers are never reused; a driver's own are positive. */
export const kitFailures: Readonly<Record<KitFailure, KitFailureEntry>> = {
  BAD_PARAMETERS: {
    wire: -1,
    code: ErrorCode.Corrupt,
    execution: 'never',
    meaning: 'The back end could not read the parameters.',
  },
  UNKNOWN_ITEM: {
    wire: -2,
    code: ErrorCode.Unsupported,
    execution: 'never',
    meaning: 'The other end does not have this item: it is older, or lacks the feature.',
  },
  NOT_AGREED: {
    wire: -3,
    code: ErrorCode.Refused,
    execution: 'never',
    meaning: 'The ends have not agreed on a version yet.',
  },
  WRONG_PROTOCOL: {
    wire: -4,
    code: ErrorCode.WrongVersion,
    execution: 'never',
    meaning: 'The back end speaks another protocol.',
  },
  WRONG_VERSION: {
    wire: -5,
    code: ErrorCode.WrongVersion,
    execution: 'never',
    meaning: 'No version is known to both ends.',
  },
  DEFINITIONS_DIFFER: {
    wire: -6,
    code: ErrorCode.WrongVersion,
    execution: 'never',
    meaning: 'Both ends know the version, but define it differently.',
  },
  NOT_WRITER: {
    wire: -7,
    code: ErrorCode.AccessDenied,
    execution: 'never',
    meaning: 'Another front end has the exclusive lease.',
  },
  OUTCOME_UNKNOWN: {
    wire: -8,
    code: ErrorCode.Disconnected,
    execution: 'maybe',
    meaning: 'It was begun before the back end restarted, and must not happen twice.',
  },
  TOO_MANY_UNSETTLED: {
    wire: -9,
    code: ErrorCode.Quota,
    execution: 'never',
    meaning: 'The back end keeps no more answers for this front end.',
  },
  BAD_STATUS: {
    wire: 0,
    code: ErrorCode.Corrupt,
    execution: 'done',
    meaning: 'The status could not be read.',
  },
  BAD_VALUE: {
    wire: 0,
    code: ErrorCode.Refused,
    execution: 'never',
    meaning: 'A value is not of the type that its field has.',
  },
  QUEUE_FULL: {
    wire: 0,
    code: ErrorCode.Quota,
    execution: 'never',
    meaning: 'As many calls as the queue takes are waiting.',
  },
};

/** The failure behind a negative code. */
export function kitFailureFromWire(wire: number): KitFailure | undefined {
  const entries = Object.entries(kitFailures) as [KitFailure, KitFailureEntry][]; // Its own keys.
  return entries.find(([, entry]) => entry.wire === wire && wire !== 0)?.[0];
}

/**
 * A call that failed for a reason with a name: one of the kit's, or one of the protocol's `errors`.
 * Other failures reach the caller as the `IdcError` that they are.
 */
export class DriverError extends IdcError {
  /** The reason's name, as in `kitFailures` or in the protocol. */
  readonly failure: string;

  constructor(
    failure: string,
    code: ErrorCode,
    execution: Execution,
    details: { readonly reason: string; readonly remoteCode?: number },
  ) {
    super(code, execution, details);
    this.name = 'DriverError';
    this.failure = failure;
  }
}

/** `isUncertain`: an earlier attempt may have been executed. */
export function makeKitError(failure: KitFailure, isUncertain = false, detail = ''): DriverError {
  const { code, execution, meaning } = kitFailures[failure];
  const reason = detail === '' ? meaning : `${meaning} ${detail}`;
  const isVague = isUncertain && execution === 'never';
  return new DriverError(failure, code, isVague ? 'maybe' : execution, { reason });
}

/** Thrown or answered by a handler: the transaction ends with this error of the protocol. */
export class DriverFailure extends Error {
  readonly failure: string;
  /** From 1 on. */
  readonly code: number;

  /** Use `protocol.failure(name)`. */
  constructor(failure: string, code: number) {
    super(failure);
    this.name = 'DriverFailure';
    this.failure = failure;
    this.code = code;
  }
}
