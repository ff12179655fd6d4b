/** What error numbers of the operating system mean to a ring link or its listener. */
import { Fault } from '../../core/transport.js';
import { ErrorNumber, ETOOMANYREFS } from './native.js';

const exhausted: ReadonlySet<number> = new Set([
  ErrorNumber.EMFILE,
  ErrorNumber.ENFILE,
  ErrorNumber.ENOBUFS,
  ErrorNumber.ENOMEM,
  ErrorNumber.ENOSPC,
  ETOOMANYREFS,
]);

const socketFaults: ReadonlyMap<number, Fault> = new Map<number, Fault>([
  [ErrorNumber.EACCES, Fault.AccessDenied],
  [ErrorNumber.EPERM, Fault.AccessDenied],
  [ErrorNumber.EADDRINUSE, Fault.AddressInUse],
  // Of a Unix socket: so many dial that the listener's queue is full.
  [ErrorNumber.EAGAIN, Fault.Exhausted],
  [ErrorNumber.ECONNREFUSED, Fault.Refused],
  [ErrorNumber.ECONNRESET, Fault.Reset],
  [ErrorNumber.EPIPE, Fault.Reset],
  [ErrorNumber.ENOENT, Fault.NotFound],
  [ErrorNumber.ENOTDIR, Fault.NotFound],
  [ErrorNumber.ENAMETOOLONG, Fault.Unsupported],
  [ErrorNumber.EPROTOTYPE, Fault.Refused],
]);

/** Of a call that makes, maps or opens memory. `result` is an error number, negated. */
export function memoryFault(result: number): Fault {
  // ErrorNumber.EAGAIN: more would be locked in memory than is allowed.
  return isExhausted(result) || result === -ErrorNumber.EAGAIN
    ? Fault.Exhausted
    : Fault.Unsupported;
}

/** Of a call on a Unix socket. `result` is an error number, negated. */
export function socketFault(result: number): Fault {
  if (isExhausted(result)) return Fault.Exhausted;
  return socketFaults.get(-result) ?? Fault.Unsupported;
}

/** True if a limit of this process or machine is reached. */
export function isExhausted(result: number): boolean {
  return exhausted.has(-result);
}
