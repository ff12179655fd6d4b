/** Binds a server to its place, with an answer for everything that may be in the way. */
import { lookup } from 'node:dns/promises';
import { lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { ErrorCode, IdcError } from 'idc';
import { isLoopback, type ListenPlace } from './listen-place.js';

const codes: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ['EADDRINUSE', ErrorCode.AddressInUse],
  ['EACCES', ErrorCode.AccessDenied],
  ['EPERM', ErrorCode.AccessDenied],
  ['EROFS', ErrorCode.AccessDenied],
  ['EMFILE', ErrorCode.Exhausted],
  ['ENFILE', ErrorCode.Exhausted],
  ['ENOBUFS', ErrorCode.Exhausted],
  ['ENOMEM', ErrorCode.Exhausted],
  ['EADDRNOTAVAIL', ErrorCode.Unreachable],
  ['ENOTFOUND', ErrorCode.Unreachable],
  ['EAI_AGAIN', ErrorCode.Unreachable],
]);

/**
 * Answers where it listens: the port that was free for port 0. A socket file that a killed process
 * left behind is taken over. Rejects with an `IdcError`.
 */
export async function bind(
  server: Server,
  place: ListenPlace,
  mayLeaveLoopback: boolean,
): Promise<ListenPlace> {
  try {
    if ('path' in place) await bindPath(server, place.path);
    else await bindPort(server, place, mayLeaveLoopback);
  } catch (error) {
    throw error instanceof Error ? asIdcError(error) : error;
  }
  const address = server.address();
  const isPort = 'host' in place && typeof address === 'object' && address !== null;
  return isPort ? { host: place.host, port: address.port } : place;
}

async function bindPort(
  server: Server,
  place: { readonly host: string; readonly port: number },
  mayLeaveLoopback: boolean,
): Promise<void> {
  // Bound to what was looked at, so that a name cannot mean two things.
  const { address } = await lookup(place.host);
  if (!mayLeaveLoopback && !isLoopback(address)) {
    const reason = `${place.host} is not this machine alone: say plaintextBeyondLoopback`;
    throw new IdcError(ErrorCode.AccessDenied, 'never', { reason });
  }
  await listening(server, { host: address, port: place.port, exclusive: true });
}

async function bindPath(server: Server, path: string): Promise<void> {
  try {
    await listening(server, { path });
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !(await isStale(path))) throw error;
    await unlink(path);
    await listening(server, { path });
  }
}

function listening(server: Server, options: Parameters<Server['listen']>[0]): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      // A connection that could not be accepted for want of a descriptor is the client's loss.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

/** True if it is a socket file, and nobody listens there. */
async function isStale(path: string): Promise<boolean> {
  const isSocket = (await lstat(path)).isSocket();
  return isSocket && isDeserted(path);
}

function isDeserted(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
  });
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}

function asIdcError(error: Error): IdcError {
  if (error instanceof IdcError) return error;
  const code = codes.get(codeOf(error)) ?? ErrorCode.BadAddress;
  return new IdcError(code, 'never', { reason: error.message });
}
