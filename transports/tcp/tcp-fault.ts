/** What the operating system's error codes mean to a link or a listener. */
import { Fault } from '../../core/transport.js';

const faultByCode: ReadonlyMap<string, Fault> = new Map<string, Fault>([
  ['ECONNREFUSED', Fault.Refused],
  ['ECONNRESET', Fault.Reset],
  ['ECONNABORTED', Fault.Reset],
  ['EPIPE', Fault.Reset],
  ['ETIMEDOUT', Fault.TimedOut],
  ['ENOTFOUND', Fault.NotFound],
  ['EADDRINUSE', Fault.AddressInUse],
  ['EACCES', Fault.AccessDenied],
  ['EPERM', Fault.AccessDenied],
  ['EMFILE', Fault.Exhausted],
  ['ENFILE', Fault.Exhausted],
  ['ENOBUFS', Fault.Exhausted],
  ['ENOMEM', Fault.Exhausted],
  ['EAFNOSUPPORT', Fault.Unsupported],
  ['EINVAL', Fault.Unsupported],
  ['EHOSTUNREACH', Fault.Unreachable],
  ['EHOSTDOWN', Fault.Unreachable],
  ['ENETUNREACH', Fault.Unreachable],
  ['ENETDOWN', Fault.Unreachable],
  // Listening: no such address on this machine. Dialling: none to dial from.
  ['EADDRNOTAVAIL', Fault.Unreachable],
]);

/** `otherwise` is for codes that this list does not know. */
export function faultOf(error: NodeJS.ErrnoException, otherwise: Fault): Fault {
  const code = error.code ?? '';
  // The resolver's own codes: the name is not known, or nobody can be asked.
  if (code.startsWith('EAI_')) return Fault.NotFound;
  return faultByCode.get(code) ?? otherwise;
}
