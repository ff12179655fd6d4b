/** What a holder does about a piece that was not done: by its code, whoever answered it. */
import { ErrorCode } from '../errors.js';

export type Reaction =
  /** The answer has brought a fresh lease: send it again. */
  | 'again'
  /** Something on the way is full: send it again after a while. */
  | 'later'
  /** The way died: look for one, which may be the same. */
  | 'elsewhere'
  /** It would fail again. */
  | 'final';

const reactions: ReadonlyMap<ErrorCode, Reaction> = new Map<ErrorCode, Reaction>([
  [ErrorCode.StaleLease, 'again'],
  [ErrorCode.Quota, 'later'],
  [ErrorCode.BackPressured, 'later'],
  [ErrorCode.Exhausted, 'later'],
  [ErrorCode.NotConnected, 'elsewhere'],
  [ErrorCode.Disconnected, 'elsewhere'],
  [ErrorCode.Unreachable, 'elsewhere'],
  [ErrorCode.Timeout, 'elsewhere'],
  [ErrorCode.Cancelled, 'elsewhere'],
  [ErrorCode.Silent, 'elsewhere'],
  [ErrorCode.Superseded, 'elsewhere'],
  [ErrorCode.Destroyed, 'elsewhere'],
]);

export function reactionTo(code: ErrorCode): Reaction {
  return reactions.get(code) ?? 'final';
}

const backOffMsMax = 1_000;

/**
 * How long to wait before the next attempt, after `failureCount` failures in a row: nothing after
 * the first, then twice as long each time. `fraction` in [0, 1) keeps many from coming at once.
 */
export function backOffMs(failureCount: number, fraction: number): number {
  if (failureCount <= 1) return 0;
  return Math.min(backOffMsMax, 2 ** (failureCount - 1)) * (0.5 + fraction / 2);
}
