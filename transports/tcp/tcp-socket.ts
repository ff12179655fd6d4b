/**
 * Makes the sockets of links: one that dials, and one from what a server accepted. Both read
 * through `SocketReader` and neither answers the peer's end of stream with its own.
 *
 * This is the only file that looks behind node:net. Its `onread`, by which libuv reads into our
 * memory, is public for sockets that dial only; an accepted one is therefore made anew around the
 * handle of the old one, which is not public. If the handle is not where Node 20 to 24 keep it,
 * the socket's 'data' events are copied into the same memory: that is slower, and the server still
 * counts the socket, so that its listener is not `closed` before the links are. A lane also wants
 * to know when there was nothing to read, of which `onread` does not speak; if it cannot have that,
 * it copies, too.
 */
import { connect, Socket, type OnReadOpts } from 'node:net';
import type { TcpAuthority } from './tcp-authority.js';

/** Where a socket reads to, and who parses it. */
export interface SocketReader {
  /** Room for the next read. */
  place(): Uint8Array;
  /** `byteLength` bytes are in the last `place`. False pauses the socket until it is resumed. */
  landed(byteLength: number): boolean;
}

/**
 * Names are resolved here; all their addresses are tried. Errors come as events, and one that says
 * EINVAL if there is nothing to dial: no authority, or port 0.
 */
export function dialSocket(authority: TcpAuthority | undefined, reader: SocketReader): Socket {
  if (authority === undefined || authority.port === 0) {
    const error: NodeJS.ErrnoException = new Error('not an address that can be dialled');
    error.code = 'EINVAL';
    return new Socket().destroy(error);
  }
  const { host, port } = authority;
  return connect({ host, port, noDelay: true, allowHalfOpen: true, onread: onread(reader) });
}

/**
 * True if a dialled socket has reached itself: the kernel gives it any free port, by chance the
 * very one that it dials while nobody listens there. Such a link would keep the listener out.
 */
export function isSelfConnected(socket: Socket): boolean {
  return socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress;
}

/** Takes over `accepted`, which is paused (`pauseOnConnect`). Its server no longer counts it. */
export function adoptSocket(accepted: Socket, reader: SocketReader): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null) return copyEvents(accepted, reader);
  Reflect.set(accepted, '_handle', null);
  accepted.destroy();
  const options = { handle, allowHalfOpen: true, onread: onread(reader) };
  return new Socket(options);
}

/**
 * Calls `idle` whenever libuv has tried to read and found nothing, and prepares its answer for the
 * next read in place of the last `place`. It may call `idle` at other times, too, when nothing more
 * is read into the last `place`. False if that cannot be had.
 */
export function watchEmptyReads(socket: Socket, idle: () => Uint8Array): boolean {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return false;
  const read: unknown = Reflect.get(handle, 'onread');
  if (typeof read !== 'function') return false;
  // Called for each attempt to read; answers the next place, but undefined if nothing came.
  const watched = function (this: unknown, ...words: unknown[]): unknown {
    return Reflect.apply(read, this, words) ?? idle();
  };
  return Reflect.set(handle, 'onread', watched);
}

function onread(reader: SocketReader): OnReadOpts {
  return {
    buffer: () => reader.place(),
    callback: (byteLength) => reader.landed(byteLength),
  };
}

function copyEvents(socket: Socket, reader: SocketReader): Socket {
  socket.on('data', (chunk) => {
    let start = 0;
    while (start < chunk.byteLength) {
      const place = reader.place();
      const part = chunk.subarray(start, start + place.byteLength);
      place.set(part);
      start += part.byteLength;
      if (!reader.landed(part.byteLength)) socket.pause();
    }
  });
  return socket.resume();
}
