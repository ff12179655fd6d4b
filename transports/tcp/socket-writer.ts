/**
 * SocketWriter: empties one link's send buffer into its socket, at most one write at a time.
 *
 * Most writes end at once, because the kernel takes everything; then the bytes are free again
 * when `write` returns. Only what the kernel did not take is waited for, while the buffer's other
 * half fills.
 */
import type { Socket } from 'node:net';
import type { SendBuffer } from './send-buffer.js';

export class SocketWriter {
  readonly #socket: Socket;
  readonly #buffer: SendBuffer;
  readonly #drained: () => void;
  #callbacksDue = 0;

  /** `drained` is called when a write that `write` could not end has ended. */
  constructor(socket: Socket, buffer: SendBuffer, drained: () => void) {
    this.#socket = socket;
    this.#buffer = buffer;
    this.#drained = drained;
  }

  /** Hands what is committed to the socket; if a write is under way, `drained` comes later. */
  // HOT:
  write(): void {
    const chunk = this.#buffer.take();
    if (chunk === undefined) return;
    this.#callbacksDue += 1;
    this.#socket.write(chunk, this.#written);
    if (this.#socket.writableLength === 0) this.#buffer.written();
  }

  /** Writes what is still committed and ends the output. Nothing may be written after it. */
  end(): void {
    const rest = this.#buffer.takeRest();
    if (rest !== undefined) this.#socket.write(rest);
    this.#socket.end();
  }

  /** The socket calls back in the order of writes, so only the last one can be under way. */
  readonly #written = (error?: Error | null): void => {
    this.#callbacksDue -= 1;
    if (error instanceof Error) return; // The socket's 'error' event follows.
    if (this.#callbacksDue > 0 || !this.#buffer.isWriting) return;
    this.#buffer.written();
    this.#drained();
  };
}
