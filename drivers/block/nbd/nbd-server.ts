/**
 * NbdServer: serves block devices to the clients of the NBD protocol, on a socket file or a port.
 *
 * Any client may say anything: what is illegal is refused or ends its connection, and every
 * connection has limits of its own, so that clients cost each other nothing but their turns. What
 * all of them make the server hold is at most `connectionsMax` times twice the larger of
 * `heldBytesMax` and `payloadBytesMax`, since memory is taken by powers of two, and 1 MiB each.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { assert } from 'idc/contract';
import type { NbdExport } from './agreement.js';
import { bind } from './bind.js';
import { formatNbdUri, parseListenPlace } from './listen-place.js';
import { NbdConnection, type ConnectionSettings } from './nbd-connection.js';
import { stringBytesMax } from './nbd-protocol.js';
import { PayloadPool } from './payload-pool.js';

export interface NbdServerOptions {
  /** One at least; the first is the one that clients get who ask for none by name. */
  readonly exports: readonly NbdExport[];
  /** The path of a socket file, or `HOST:PORT`. */
  readonly listen: string;
  /** NBD knows no identity: beyond loopback anybody may read and write. Default `deny`. */
  readonly plaintextBeyondLoopback?: 'deny' | 'allow';
  /** More are turned away. Default 64. */
  readonly connectionsMax?: number;
  /** Unanswered requests of one connection; more wait. Default 128. */
  readonly requestsMax?: number;
  /** Data of those requests, in bytes; more wait, but one always goes. Default 16 MiB. */
  readonly heldBytesMax?: number;
  /** Longest read or write, in bytes, from 64 KiB to 1 GiB. Default 32 MiB. */
  readonly payloadBytesMax?: number;
  /** What a client may take to choose an export. Default 10 s. */
  readonly handshakeMs?: number;
}

export interface NbdStatistics {
  readonly connections: number;
  /** Since the start: turned away because there were too many. */
  readonly turnedAway: number;
  /** Requests whose data is in memory. */
  readonly payloads: number;
}

const connectionsMaxDefault = 64;
const requestsMaxDefault = 128;
const heldBytesMaxDefault = 16 << 20;
const payloadBytesMaxDefault = 32 << 20;
const payloadBytesMaxLeast = 65536;
const payloadBytesMaxMost = 1 << 30;
const handshakeMsDefault = 10_000;
const drainMsDefault = 10_000;
/** Longer ones a timer takes for none at all. */
const timerMsMax = 2 ** 31 - 1;

/** Begins to listen. Nothing is thrown for an operating error: `ready` tells. */
export function serveNbd(options: NbdServerOptions): NbdServer {
  return new NbdServer(options);
}

export class NbdServer {
  /**
   * The URI of the default export, once clients can come. Rejects with an `IdcError`: BAD_ADDRESS,
   * ADDRESS_IN_USE, ACCESS_DENIED, UNREACHABLE or EXHAUSTED.
   */
  readonly ready: Promise<string>;

  readonly #settings: ConnectionSettings;
  readonly #connectionsMax: number;
  readonly #server: Server;
  readonly #connections = new Set<NbdConnection>();
  #turnedAway = 0;
  #closing: Promise<void> | undefined = undefined;
  /** Told when the last connection is gone. */
  #emptied: (() => void) | undefined = undefined;

  constructor(options: NbdServerOptions) {
    const { exports, requestsMax = requestsMaxDefault, handshakeMs = handshakeMsDefault } = options;
    const { payloadBytesMax = payloadBytesMaxDefault } = options;
    const { heldBytesMax = heldBytesMaxDefault } = options;
    const { connectionsMax = connectionsMaxDefault } = options;
    checkExports(exports);
    checkLimit(requestsMax, 1, 'requestsMax');
    checkLimit(payloadBytesMax, payloadBytesMaxLeast, 'payloadBytesMax', payloadBytesMaxMost);
    checkLimit(heldBytesMax, 1, 'heldBytesMax');
    checkLimit(connectionsMax, 1, 'connectionsMax');
    checkLimit(handshakeMs, 1, 'handshakeMs', timerMsMax);
    const limits = { requestsMax, heldBytesMax, payloadBytesMax };
    this.#settings = { exports, limits, pool: new PayloadPool(), handshakeMs };
    this.#connectionsMax = connectionsMax;
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    this.#server.on('connection', (socket) => this.#adopt(socket));
    this.ready = this.#listen(options);
    this.ready.catch(() => undefined); // Whoever waits for it is told.
  }

  statistics(): NbdStatistics {
    return {
      connections: this.#connections.size,
      turnedAway: this.#turnedAway,
      payloads: this.#settings.pool.usedCount,
    };
  }

  /**
   * Listens no more, lets requests that were taken on be answered for `drainMs`, default 10 s, and
   * ends what is left then. Resolves when the devices have nothing of any client's.
   */
  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#shut(options.drainMs ?? drainMsDefault);
    return this.#closing;
  }

  async #listen(options: NbdServerOptions): Promise<string> {
    const place = parseListenPlace(options.listen);
    const mayLeave = options.plaintextBeyondLoopback === 'allow';
    const bound = await bind(this.#server, place, mayLeave);
    return formatNbdUri(bound, options.exports[0]?.name ?? '');
  }

  async #shut(drainMs: number): Promise<void> {
    const isListening = await this.ready.then(
      () => true,
      () => false,
    );
    const closed = isListening ? this.#closeServer() : undefined;
    for (const connection of this.#connections) connection.drain();
    const timer = setTimeout(() => this.#destroyAll(), drainMs);
    await closed;
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    clearTimeout(timer);
  }

  #closeServer(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #destroyAll(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  #adopt(socket: Socket): void {
    if (this.#closing !== undefined || this.#connections.size >= this.#connectionsMax) {
      this.#turnedAway += 1;
      socket.destroy();
      return;
    }
    const connection = new NbdConnection(socket, this.#settings, () => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#emptied?.();
    });
    this.#connections.add(connection);
  }
}

function checkExports(exports: readonly NbdExport[]): void {
  assert(exports.length > 0, 'a server has an export', 'BAD_ARGUMENT');
  for (const { name = '', description = '' } of exports) {
    const longest = Math.max(Buffer.byteLength(name), Buffer.byteLength(description));
    assert(longest <= stringBytesMax, 'a name has at most 4096 bytes', 'BAD_ARGUMENT');
  }
  const names = new Set(exports.map(({ name = '' }) => name));
  assert(names.size === exports.length, 'each export has a name of its own', 'BAD_ARGUMENT');
}

function checkLimit(value: number, least: number, name: string, most = Infinity): void {
  const isInside = Number.isInteger(value) && value >= least && value <= most;
  assert(isInside, `${name} is a whole number from ${least} to ${most}`, 'BAD_ARGUMENT');
}
