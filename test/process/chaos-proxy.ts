/**
 * ChaosProxy: the line between the two processes. It carries bytes both ways, and on request
 * breaks: by a reset of either or both ends, by a half-close, or by carrying nothing any more.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Which of its two sockets of a connection. */
export type Side = 'front' | 'back';

interface Line {
  readonly front: Socket;
  readonly back: Socket;
}

export class ChaosProxy {
  /** Where the back end listens now. */
  targetPort = 0;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  #isSilent = false;

  constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (front) => {
      this.#carry(front);
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => {
        // reason: a TCP server has an AddressInfo
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** An abrupt reset, seen by that side first; the other learns it from the proxy's own death. */
  reset(side: Side): void {
    for (const line of [...this.#lines]) abort(line[side]);
  }

  /** One side's words end, as if it had said its last; the other direction stays open. */
  halfClose(side: Side): void {
    for (const line of [...this.#lines]) line[side].end();
  }

  /** Bytes stay where they are; the connections stay up. */
  set isSilent(isSilent: boolean) {
    this.#isSilent = isSilent;
    for (const line of this.#lines) setFlow(line, !isSilent);
  }

  get lineCount(): number {
    return this.#lines.size;
  }

  close(): Promise<void> {
    for (const line of [...this.#lines]) {
      line.front.destroy();
      line.back.destroy();
    }
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #carry(front: Socket): void {
    const back = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const line = { front, back };
    this.#lines.add(line);
    front.setNoDelay(true);
    back.setNoDelay(true);
    front.pipe(back);
    back.pipe(front);
    this.#join(line, front, back);
    this.#join(line, back, front);
    if (this.#isSilent) setFlow(line, false);
  }

  /** Passes a death on: a reset stays a reset. */
  #join(line: Line, one: Socket, other: Socket): void {
    one.on('error', () => {
      abort(other);
    });
    one.on('close', () => {
      this.#lines.delete(line);
      // After a last word in good order the other side gets the rest, and is read to its own end.
      if (one.readableEnded) other.resume();
      else abort(other);
    });
  }
}

function setFlow(line: Line, isFlowing: boolean): void {
  for (const [from, to] of [
    [line.front, line.back],
    [line.back, line.front],
  ] as const) {
    if (isFlowing) from.pipe(to);
    else from.unpipe(to).pause();
  }
}

/** A reset; after a half-close libuv has none to give, and would leave the socket open. */
function abort(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
