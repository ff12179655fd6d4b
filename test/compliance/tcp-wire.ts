/** TcpWire: what lies below the TCP transport: raw peers, free ports, and a way to cut sockets. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { parseAddress, type Address } from '../../core/contract.js';
import type { RawMedium, RawPeer } from './harness.js';

export class TcpWire implements RawMedium {
  readonly illegal: readonly Uint8Array[] = [
    Uint8Array.of(0, 0, 0, 0), // no length
    Uint8Array.of(1, 0, 1, 0), // one byte more than frameBytesMax
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3), // 4 GiB
    Uint8Array.of(0, 0, 0, 0x80), // 2 GiB
    Uint8Array.of(1, 0, 0, 0, 7, 0, 0, 1), // padding
    Uint8Array.of(2, 0, 0, 0, 7, 7, 0, 0, 3, 0, 0, 0, 7, 7, 7, 0x80), // padding of the second
    new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'),
  ];
  readonly #dialled = new Set<Socket>();
  readonly #peers = new Set<Socket>();

  constructor() {
    subscribe('net.client.socket', this.#note);
  }

  async dial({ authority }: Address): Promise<RawPeer> {
    const socket = await this.connect(Number(authority.split(':').at(-1)));
    return {
      write: (bytes) => void socket.write(bytes),
      end: () => void socket.end(),
    };
  }

  /** A raw peer as a socket. It reads nothing until told to, and `dispose` destroys it. */
  async connect(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.#peers.add(socket);
    socket.on('error', () => undefined); // The transport may reset it; a raw peer never throws.
    await once(socket, 'connect');
    return socket;
  }

  /** A port of this machine at which nobody listens: one that was free a moment ago. */
  async absentAddress(): Promise<Address> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    server.close();
    await once(server, 'close');
    return parseAddress(`tcp://127.0.0.1:${String(port)}/`);
  }

  /** Every link has one dialled socket: with it both ends are gone. */
  sever(): void {
    for (const socket of this.#dialled) socket.destroy();
  }

  async dispose(): Promise<void> {
    unsubscribe('net.client.socket', this.#note);
    for (const socket of this.#peers) {
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
    }
  }

  readonly #note = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('socket' in message)) return;
    const { socket } = message;
    if (!(socket instanceof Socket)) return;
    this.#dialled.add(socket);
    socket.once('close', () => this.#dialled.delete(socket));
  };
}
