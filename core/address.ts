/**
 * Address: where a peer endpoint is, as `scheme://authority/service`.
 *
 * The scheme picks the transport, the authority belongs to that transport alone (`host:port`,
 * a name on a memory network) and the service is what a listener is asked for once a link is up.
 * Finding an address is not this package's business; it comes from outside.
 */
import { ErrorCode, IdcError } from './errors.js';

/** A parsed address. Equal `href`s are equal addresses. */
export interface Address {
  /** Lower-case name of the transport: `tcp`, `memory`. */
  readonly scheme: string;
  /** The transport's own part, percent-encoding kept: `127.0.0.1:7000`, `[::1]:0`, `disk-host`. */
  readonly authority: string;
  /** What is asked for there, percent-encoding kept; may be empty, may hold slashes. */
  readonly service: string;
  /** The whole address in its normal form. */
  readonly href: string;
}

/** Longest accepted address in characters; the service has to fit a handshake frame. */
export const addressLengthMax = 512;

/** Visible ASCII only; anything else is to be percent-encoded. */
const pattern = /^([a-z][a-z0-9+.-]*):\/\/([!-~]+?)(?:\/([!-~]*))?$/iu;

/** Parses `text`, or throws `IdcError` `BAD_ADDRESS`. `memory://hub/disk0`, `tcp://[::1]:0/`. */
export function parseAddress(text: string): Address {
  const match = text.length <= addressLengthMax ? pattern.exec(text) : null;
  const scheme = match?.[1];
  const authority = match?.[2];
  if (scheme === undefined || authority === undefined || /[/?#]/u.test(authority)) {
    throw new IdcError(ErrorCode.BadAddress, 'never', {
      reason: `not an address: ${JSON.stringify(text.slice(0, 80))}; expected scheme://authority/service`,
    });
  }
  return makeAddress(scheme.toLowerCase(), authority, match?.[3] ?? '');
}

/** Puts an address together from parts that are already known to be well-formed. */
export function makeAddress(scheme: string, authority: string, service: string): Address {
  const href = `${scheme}://${authority}/${service}`;
  return Object.freeze({ scheme, authority, service, href });
}
