/**
 * ChaosProxy: the line between processes. It carries bytes both ways, and on request breaks: by a
 * reset of either or both ends, by a half-close, by carrying nothing, late, little or something
 * else, or by an end in the middle of a record.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { Flow, type Pace } from './flow.js';
import { Quiet } from './quiet.js';
import type { Tamper } from './tamper.js';
import { guard } from './watchdog.js';

/** Which of its two sockets of a connection; the front dialled. */
export type Side = 'front' | 'back';

interface Line {
  readonly front: Socket;
  readonly back: Socket;
  /** By the side that they lead to. */
  readonly flows: Readonly<Record<Side, Flow>>;
}

/** One line that somebody tampers with. */
export class TamperedLine {
  readonly tamper: Tamper;
  /** Towards whom. */
  readonly side: Side;
  #line: Line | undefined = undefined;
  #isGone = false;

  constructor(tamper: Tamper, side: Side) {
    this.tamper = tamper;
    this.side = side;
  }

  /** It has ended, after it was there. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** A reset, if it is still there. */
  reset(): void {
    if (this.#line !== undefined) abort(this.#line.front);
  }

  /** @internal */
  begin(line: Line): void {
    this.#line = line;
    line.flows[this.side].tamper = this.tamper;
  }

  /** @internal */
  end(line: Line): void {
    if (line === this.#line) this.#isGone = true;
  }
}

export class ChaosProxy {
  /** Where the other end listens now. */
  targetPort = 0;
  readonly #quiet = new Quiet();
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  readonly #sockets = new Set<Socket>();
  readonly #tampered = new Set<TamperedLine>();
  #awaited: TamperedLine | undefined = undefined;
  #pace: Pace = { kind: 'free' };

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

  /** How bytes go from now on, on every line; connections stay up. */
  set pace(pace: Pace) {
    this.#pace = pace;
    for (const { flows } of this.#lines) {
      flows.front.pace = pace;
      flows.back.pace = pace;
    }
  }

  /** Tampers with what goes towards `side`, on a line that is there, or on the next one. */
  tamper(side: Side, tamper: Tamper, when: 'now' | 'next'): TamperedLine {
    const tampered = new TamperedLine(tamper, side);
    const [line] = this.#lines;
    this.#tampered.add(tampered);
    if (when === 'now' && line !== undefined) tampered.begin(line);
    else this.#awaited = tampered;
    return tampered;
  }

  /** Nobody waits for the next line any more. */
  endTampering(tampered: TamperedLine): void {
    this.#tampered.delete(tampered);
    if (this.#awaited === tampered) this.#awaited = undefined;
  }

  get lineCount(): number {
    return this.#lines.size;
  }

  /** Waits until lines that end, or somebody who tampers with one, make `holds` true. */
  until(what: string, holds: () => boolean): Promise<void> {
    return guard(this.#quiet.until(holds), () => `${what}, of ${this.lineCount} lines`);
  }

  close(): Promise<void> {
    for (const socket of [...this.#sockets]) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #carry(front: Socket): void {
    const back = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true });
    front.setNoDelay(true);
    back.setNoDelay(true);
    const onTampered = (): void => {
      this.#quiet.changed();
    };
    const flows = {
      front: new Flow(back, front, this.#pace, onTampered),
      back: new Flow(front, back, this.#pace, onTampered),
    };
    const line = { front, back, flows };
    this.#lines.add(line);
    this.#join(line, front, back);
    this.#join(line, back, front);
    this.#awaited?.begin(line);
    this.#awaited = undefined;
  }

  /** Passes a death on: a reset stays a reset. */
  #join(line: Line, one: Socket, other: Socket): void {
    this.#sockets.add(one);
    one.on('error', () => {
      abort(other);
    });
    one.on('close', () => {
      this.#sockets.delete(one);
      this.#lines.delete(line);
      for (const tampered of this.#tampered) tampered.end(line);
      this.#quiet.changed();
      // After a last word in good order the other side gets the rest, and is read to its own end.
      if (!one.readableEnded) abort(other);
    });
  }
}

/** A reset; after a half-close libuv has none to give, and would leave the socket open. */
function abort(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
