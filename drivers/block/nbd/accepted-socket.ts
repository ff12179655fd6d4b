/**
 * Makes an accepted socket read into our memory, which Node.js offers for dialled ones only: it is
 * made anew around the handle of the old one. That handle is not public. If it is not where Node 20
 * to 24 keep it, the socket's 'data' events are copied into the same memory, which is slower.
 */
import { Socket } from 'node:net';

/** Where a socket reads to, and who parses it. */
export interface SocketReader {
  /** Room for the next read; asked for right after `landed`. */
  place(): Uint8Array;
  /** `byteLength` bytes are in the last `place`. False pauses the socket until it is resumed. */
  landed(byteLength: number): boolean;
}

/** Takes over `accepted`, which is paused (`pauseOnConnect`). Its server no longer counts it. */
export function adoptSocket(accepted: Socket, reader: SocketReader): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null) return copyEvents(accepted, reader);
  Reflect.set(accepted, '_handle', null);
  accepted.destroy();
  const onread = {
    buffer: (): Uint8Array => reader.place(),
    callback: (byteLength: number): boolean => reader.landed(byteLength),
  };
  const options = { handle, allowHalfOpen: true, onread };
  return new Socket(options);
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
