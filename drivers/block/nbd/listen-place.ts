/** Where an NBD server listens: a socket file, or `HOST:PORT`. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export type ListenPlace =
  { readonly path: string } | { readonly host: string; readonly port: number };

const hostAndPort = /^(?:\[([^\]/]+)\]|([^:[\]/]*)):(\d{1,5})$/u;

/**
 * `HOST:PORT`, `[IPV6]:PORT`, `:PORT` for this machine alone; anything else is the path of a
 * socket file. Port 0 is any that is free.
 */
export function parseListenPlace(text: string): ListenPlace {
  const [, bracketed, plain = '', digits] = hostAndPort.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535) return { path: text };
  const host = bracketed ?? (plain === '' ? '127.0.0.1' : plain);
  return { host, port };
}

/** The URI by which clients know an export of a server that listens there. */
export function formatNbdUri(place: ListenPlace, exportName: string): string {
  const name = encodeURIComponent(exportName);
  if ('path' in place) return `nbd+unix:///${name}?socket=${encodeURIComponent(place.path)}`;
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  return `nbd://${host}:${place.port}/${name}`;
}

/** True if `host` can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  const [address = ''] = host.split('%'); // An IPv6 zone is no part of the address itself.
  if (isIPv4(address)) return loopback.check(address, 'ipv4');
  if (isIPv6(address)) return loopback.check(address, 'ipv6');
  return host === 'localhost';
}
