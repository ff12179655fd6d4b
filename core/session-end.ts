/** How a session ends, and what a transport's fault means for it. */
import { unreachable } from './assert.js';
import { ErrorCode } from './errors.js';
import { Fault } from './transport.js';

/** How a session ended. */
export interface SessionEnd {
  readonly reason: ErrorCode;
  /** What the transport said, if the link went down. */
  readonly fault: Fault | undefined;
  /** The peer will not come back, or refused us. */
  readonly isFinal: boolean;
  /** The last request that the peer gave to a handler, if it said so. */
  readonly handledThrough: number | undefined;
}

/** What the loss of a link that was up means for its epoch. */
export function reasonOfLoss(fault: Fault): ErrorCode {
  return fault === Fault.Corrupt ? ErrorCode.Corrupt : ErrorCode.Disconnected;
}

/** What a link that never came up means for the attempt. */
export function reasonOfDial(fault: Fault): ErrorCode {
  switch (fault) {
    case Fault.AccessDenied:
      return ErrorCode.AccessDenied;
    case Fault.Exhausted:
      return ErrorCode.Exhausted;
    case Fault.Unsupported:
      return ErrorCode.Unsupported;
    case Fault.Corrupt:
      return ErrorCode.Corrupt;
    case Fault.AddressInUse:
    case Fault.Closed:
    case Fault.Reset:
    case Fault.Refused:
    case Fault.Unreachable:
    case Fault.NotFound:
    case Fault.TimedOut:
      return ErrorCode.Unreachable;
    default:
      return unreachable(fault);
  }
}
