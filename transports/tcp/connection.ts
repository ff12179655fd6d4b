/**
 * Connection: one socket, and the one whom it tells what happens.
 *
 * Whether an accepted socket is a link or a bulk lane is known only when its first bytes are there,
 * so the owner can change. A socket that was closed tells `released` last, and then nothing.
 */
import type { Socket } from 'node:net';
import type { PeerIdentity } from '../../core/transport.js';
import { formatAuthority } from './tcp-authority.js';
import type { SocketReader } from './tcp-socket.js';

/** A link or a lane, seen from its socket. */
export interface ConnectionOwner extends SocketReader {
  /** The socket broke; `released` follows. */
  failed(error: Error): void;
  /** The peer has ended its output. */
  ended(): void;
  /** The handle is closed: nothing is read or written any more, not even what was under way. */
  released(): void;
}

export class Connection implements SocketReader {
  readonly socket: Socket;
  owner: ConnectionOwner;

  constructor(owner: ConnectionOwner, makeSocket: (reader: SocketReader) => Socket) {
    this.owner = owner;
    const socket = makeSocket(this);
    this.socket = socket;
    socket.on('error', (error) => this.owner.failed(error));
    socket.on('end', () => this.owner.ended());
    socket.on('close', () => this.owner.released());
  }

  /** What can be said of the peer: not much, and no address if it has gone in the meantime. */
  identity(): PeerIdentity {
    const { remoteAddress = '', remotePort = 0 } = this.socket;
    const origin = remoteAddress === '' ? '' : formatAuthority(remoteAddress, remotePort);
    return Object.freeze({ kind: 'unproven', name: '', origin });
  }

  place(): Uint8Array {
    return this.owner.place();
  }

  landed(byteLength: number): boolean {
    return this.owner.landed(byteLength);
  }
}
