/**
 * NbdConnection: one client, from the greeting to the end.
 *
 * It reads while the phase it is in wants input, and not otherwise, so a client that asks for more
 * than the limits allow, or does not read its replies, waits in its own socket. What the device
 * still works on when the client has gone is waited for before the connection counts as gone.
 */
import type { Socket } from 'node:net';
import { unreachable } from 'idc/contract';
import { adoptSocket, type SocketReader } from './accepted-socket.js';
import { Want, type NbdExport } from './agreement.js';
import { Handshake } from './handshake.js';
import { Input } from './input.js';
import { Output } from './output.js';
import type { PayloadPool } from './payload-pool.js';
import { Transmission, type TransmissionLimits } from './transmission.js';

export interface ConnectionSettings {
  readonly exports: readonly NbdExport[];
  readonly limits: TransmissionLimits;
  readonly pool: PayloadPool;
  /** A client that has not chosen an export by then is turned away. */
  readonly handshakeMs: number;
}

/** A host that vanished is noticed after some minutes. */
const keepAliveMs = 60_000;

export class NbdConnection implements SocketReader {
  readonly #settings: ConnectionSettings;
  readonly #gone: () => void;
  readonly #socket: Socket;
  readonly #input = new Input();
  readonly #output: Output;
  readonly #handshake: Handshake;
  readonly #handshakeTimer: NodeJS.Timeout;
  #transmission: Transmission | undefined = undefined;
  #want: Want = Want.Input;
  /** The next read brings the data of a write. */
  #isDirect = false;
  #isFlushDue = false;
  #isClosed = false;

  /** `accepted` is paused. `gone` is called once, when nothing is left of the connection. */
  constructor(accepted: Socket, settings: ConnectionSettings, gone: () => void) {
    this.#settings = settings;
    this.#gone = gone;
    this.#socket = adoptSocket(accepted, this);
    this.#output = new Output(this.#socket, settings.pool, (requests, heldBytes) => {
      this.#transmission?.left(requests, heldBytes);
      if (this.#want === Want.Room) this.#advance();
    });
    const { exports, limits } = settings;
    this.#handshake = new Handshake(exports, limits.payloadBytesMax, this.#output);
    this.#handshakeTimer = setTimeout(() => this.destroy(), settings.handshakeMs);
    this.#socket.on('error', () => undefined); // 'close' follows, and nobody is left to be told.
    this.#socket.on('end', () => this.destroy());
    this.#socket.on('close', () => this.#closed());
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, keepAliveMs);
    this.#handshake.greet();
    this.#output.flush();
    this.#socket.resume();
  }

  /** Ends it when what was taken on is answered. */
  drain(): void {
    if (this.#want === Want.End) return;
    this.#want = Want.Nothing;
    this.#socket.pause();
    this.#finish();
  }

  /** Ends it at once. */
  destroy(): void {
    this.#want = Want.End;
    this.#socket.destroy();
  }

  // HOT:
  place(): Uint8Array {
    const place = this.#input.byteLength === 0 ? this.#transmission?.directPlace() : undefined;
    this.#isDirect = place !== undefined;
    return place ?? this.#input.place();
  }

  // HOT:
  landed(byteLength: number): boolean {
    if (this.#isDirect) this.#transmission?.landed(byteLength);
    else this.#input.landed(byteLength);
    if (this.#want === Want.Input) this.#advance();
    return this.#want === Want.Input;
  }

  /** Goes on with what is there. */
  readonly #advance = (): void => {
    if (this.#want >= Want.Nothing) return;
    const wasPaused = this.#want !== Want.Input;
    this.#want = this.#pump();
    this.#output.flush();
    switch (this.#want) {
      case Want.Input:
        if (wasPaused) this.#socket.resume();
        return;
      case Want.Room:
        return;
      case Want.Turn:
        setImmediate(this.#advance);
        return;
      case Want.Nothing:
        this.#finish();
        return;
      case Want.End:
        this.destroy();
        return;
      default:
        unreachable(this.#want);
    }
  };

  #pump(): Want {
    if (this.#transmission !== undefined) return this.#transmission.pump(this.#input);
    const want = this.#handshake.pump(this.#input);
    const { agreement } = this.#handshake;
    if (agreement === undefined) return want;
    clearTimeout(this.#handshakeTimer);
    const { limits, pool } = this.#settings;
    const answered = (): void => this.#answered();
    this.#transmission = new Transmission(agreement, limits, pool, this.#output, answered);
    return this.#transmission.pump(this.#input);
  }

  /** A reply may be in the output; it leaves with all others of this round of the event loop. */
  #answered(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    if (this.#isClosed) {
      this.#leave();
      return;
    }
    this.#output.flush();
    if (this.#want === Want.Nothing) this.#finish();
  };

  /** Nothing is taken on any more: ends the connection if everything is answered. */
  #finish(): void {
    if (this.#transmission?.isIdle === false) return;
    this.#output.flush();
    this.#socket.destroySoon();
  }

  #closed(): void {
    this.#want = Want.End;
    this.#isClosed = true;
    clearTimeout(this.#handshakeTimer);
    this.#transmission?.abandon();
    this.#output.release();
    this.#leave();
  }

  #leave(): void {
    if (this.#transmission?.isIdle !== false) this.#gone();
  }
}
