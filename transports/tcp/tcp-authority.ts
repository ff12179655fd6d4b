/**
 * The authority of a TCP address: `HOST:PORT`, where HOST is an IPv4 address, an IPv6 address in
 * brackets or a host name. Parsing is strict: what is not exactly that is no address at all, and
 * in particular the short forms of IPv4 (`127.1`) that resolvers know are refused.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export interface TcpAuthority {
  /** Without brackets. */
  readonly host: string;
  /** 0 to 65535. */
  readonly port: number;
}

const pattern = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/u;
/** Letters, digits, hyphens and underscores between single dots, and not only digits and dots. */
const namePattern = /^(?=.*[a-z_-])(?=.{1,253}$)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/iu;

/** Undefined if it is not an authority of this scheme. */
export function parseAuthority(authority: string): TcpAuthority | undefined {
  const [, bracketed, plain, digits] = pattern.exec(authority) ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain ?? '';
  const isHost = bracketed === undefined ? isIPv4(host) || namePattern.test(host) : isIPv6(host);
  return isHost && port <= 65535 ? { host, port } : undefined;
}

export function formatAuthority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True if `ip`, an address and not a name, can be reached from this machine only. */
export function isLoopback(ip: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  const [address = ''] = ip.split('%'); // An IPv6 zone is no part of the address itself.
  return loopback.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
