/**
 * The front end of a console: sees a session from now on, and goes on seeing it after each lost
 * connection where it left off, or with the whole screen if too much has happened meanwhile.
 */
import {
  ErrorCode,
  IdcAssertionError,
  IdcError,
  type Domain,
  type EndpointOptions,
  type Runtime,
} from 'idc';
import { createFrontEnd, DriverError, type EventHandlers, type FrontEnd } from 'idc/drivers/kit';
import {
  chunkBytesMax,
  consoleProtocol,
  isSize,
  sessionDigits,
  sizeDefault,
  type ConsoleExit,
  type ConsoleMode,
  type ConsoleSchema,
  type ConsoleSignal,
  type ConsoleSize,
} from './console-protocol.js';

/** What a front end is shown from here on. */
export interface ConsoleView {
  /** Another one than before is another run of the command: the back end was started anew. */
  readonly session: string;
  readonly isNewSession: boolean;
  /** True: output goes on where it ended. False: clear the screen, it is drawn as a whole. */
  readonly continues: boolean;
  /** False: the command runs on plain pipes. */
  readonly hasTerminal: boolean;
  readonly mode: ConsoleMode;
  /** The size of the session's screen, which its writer decides. */
  readonly size: ConsoleSize;
}

/**
 * Called one at a time and in order. While a promise of one of them is pending the back end sends
 * little more, and the command waits if this end is the writer.
 */
export interface ConsoleHandlers {
  /** A view begins: the first, one after a reconnect, or one after this end was too slow. */
  readonly began?: (view: ConsoleView) => void | Promise<void>;
  /** For the screen, as they are. */
  readonly output?: (bytes: Uint8Array) => void | Promise<void>;
  /** The session's screen has another size, for its writer's has. */
  readonly resized?: (size: ConsoleSize) => void | Promise<void>;
  /** This end only views from here on, for somebody else writes. */
  readonly takenOver?: () => void | Promise<void>;
  /** The connection is lost, and is looked for. */
  readonly lost?: (reason: ErrorCode) => void | Promise<void>;
}

/** What a front end does with what it is shown, and what it is: a writer or a viewer. */
export interface ConsoleOptions extends ConsoleHandlers {
  /** Default `write`. */
  readonly mode?: ConsoleMode;
  /** Of the writer's screen, which the command gets. Default 80 x 24. */
  readonly size?: ConsoleSize;
  /** Makes a viewer of whoever is the writer, instead of failing as HELD. */
  readonly takeOver?: boolean;
  /** As of any front end of the kit. */
  readonly endpoint?: Pick<EndpointOptions, 'name' | 'limits'>;
  /** The domain's, if that was given one. */
  readonly runtime?: Runtime;
}

const counts = { messages: 16, transactions: 16 } as const;
const sessionPattern = new RegExp(`^[0-9a-f]{${sessionDigits}}$`);

/** Attaches to the session at `address`, and again whenever the connection is lost. */
export function attachConsole(
  domain: Domain,
  address: string,
  options: ConsoleOptions = {},
): ConsoleAttachment {
  return new ConsoleAttachment(domain, address, options);
}

/** Values of `began`. */
interface Beginning extends ConsoleSize {
  readonly session: string;
  readonly position: number;
  readonly screenBytes: number;
  readonly continues: boolean;
  readonly hasTerminal: boolean;
  readonly mode: ConsoleMode;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: IdcError) => void;
}

/** One front end of a console, over all its connections. */
export class ConsoleAttachment {
  /** For its endpoint, its lifecycle and what could not be read. */
  readonly frontEnd: FrontEnd<ConsoleSchema>;
  /**
   * Resolves when the command has ended and its last output was shown. Rejects with `IdcError`:
   * HELD and others by name if the back end turns this end away, CORRUPT if it talks nonsense,
   * DESTROYED once this end is closed.
   */
  readonly ended: Promise<ConsoleExit>;
  readonly #handlers: ConsoleHandlers;
  readonly #takesOver: boolean;
  #settle: (exit: ConsoleExit | IdcError) => void = () => undefined;
  #mode: ConsoleMode;
  #size: ConsoleSize;
  /** Empty until a view has begun. */
  #session = '';
  #position = 0;
  /** Of the screen that is being drawn, so much is still to come. */
  #screenBytes = 0;
  /** Settles when all events so far were shown. */
  #shown: Promise<void> = Promise.resolve();
  #isAttached = false;
  #waiters: Waiter[] = [];
  #failure: IdcError | undefined = undefined;

  /** Use `attachConsole`. */
  constructor(domain: Domain, address: string, options: ConsoleOptions) {
    const { mode = 'write', size = sizeDefault, takeOver = false, endpoint, runtime } = options;
    if (!isSize(size)) throw new IdcAssertionError('BAD_ARGUMENT', 'a screen has a size');
    this.#handlers = options;
    this.#mode = mode;
    this.#size = size;
    this.#takesOver = takeOver;
    this.ended = new Promise((resolve, reject) => {
      this.#settle = (end) => {
        if (end instanceof IdcError) reject(end);
        else resolve(end);
      };
    });
    // Who does not ask how it ended is not told that it failed.
    this.ended.catch(() => undefined);
    this.frontEnd = createFrontEnd(domain, address, consoleProtocol, {
      counts,
      events: this.#events(),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(runtime === undefined ? {} : { runtime }),
    });
    this.frontEnd.lifecycle$.subscribe({
      next: (event) => {
        if (event.type === 'connect') void this.#attach();
        if (event.type === 'disconnect') this.#interrupt(event.reason);
      },
      complete: () => {
        this.#fail(new IdcError(ErrorCode.Destroyed, 'never'));
      },
    });
  }

  /** Who only views may not write; a writer that somebody took over is one of them. */
  get mode(): ConsoleMode {
    return this.#mode;
  }

  /** Bytes of the session's output that were received, or that a screen stands for. */
  get position(): number {
    return this.#position;
  }

  /**
   * Types. Resolves once the command's system has taken the bytes, which then may be used again;
   * waits while there is no connection. Rejects with `DriverError` READ_ONLY, ENDED or BUSY, or
   * with `IdcError`; after `maybe` they may have been typed.
   */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#whenAttached();
    const inputs: Promise<void>[] = [];
    for (let at = 0; at < bytes.length; at += chunkBytesMax) {
      inputs.push(this.frontEnd.input({ bytes: bytes.subarray(at, at + chunkBytesMax) }));
    }
    await Promise.all(inputs);
  }

  /** Nothing more will be typed: an end of file for a command that reads. Rejects as `write`. */
  async endInput(): Promise<void> {
    await this.#whenAttached();
    await this.frontEnd.endInput();
  }

  /** This end's screen has another size. Rejects as `write`; kept for the next connection. */
  async resize(size: ConsoleSize): Promise<void> {
    this.#size = size;
    await this.#whenAttached();
    await this.frontEnd.resize(size);
  }

  /** Sends a signal to the command's processes. Rejects as `write`. */
  async signal(name: ConsoleSignal): Promise<void> {
    await this.#whenAttached();
    await this.frontEnd.signal({ name });
  }

  /** The session goes on without this end. */
  async close(): Promise<void> {
    this.#fail(new IdcError(ErrorCode.Destroyed, 'never'));
    await this.frontEnd.close();
  }

  #events(): EventHandlers<ConsoleSchema> {
    return {
      began: (beginning) => this.#begin(beginning),
      screen: ({ bytes }) => {
        if (bytes.length > this.#screenBytes) return this.#refuse();
        this.#screenBytes -= bytes.length;
        return this.#show(() => this.#handlers.output?.(bytes));
      },
      output: ({ bytes }) => {
        if (this.#session === '' || this.#screenBytes > 0) return this.#refuse();
        this.#position += bytes.length;
        return this.#show(() => this.#handlers.output?.(bytes));
      },
      resized: (size) => this.#show(() => this.#handlers.resized?.(size)),
      takenOver: () => {
        this.#mode = 'view';
        return this.#show(() => this.#handlers.takenOver?.());
      },
      exited: (exit) =>
        this.#show(() => {
          this.#settle(exit);
        }),
    };
  }

  #begin(beginning: Beginning): Promise<void> {
    const { session, position, screenBytes, continues, hasTerminal, mode } = beginning;
    const { columns, rows } = beginning;
    const isLegal = sessionPattern.test(session) && isSize({ columns, rows });
    const isRight = !continues || (session === this.#session && position === this.#position);
    if (!isLegal || !isRight) return this.#refuse();
    const isNewSession = session !== this.#session;
    this.#session = session;
    this.#position = position;
    this.#screenBytes = screenBytes;
    this.#mode = mode;
    const size = { columns, rows };
    const view = { session, isNewSession, continues, hasTerminal, mode, size };
    return this.#show(() => this.#handlers.began?.(view));
  }

  /** Calls a handler when the earlier ones have settled. */
  #show(handle: () => void | Promise<void>): Promise<void> {
    this.#shown = this.#shown.then(handle);
    return this.#shown;
  }

  /** Tries until there is an answer or the epoch is over. */
  async #attach(): Promise<void> {
    const { endpoint } = this.frontEnd;
    const { epoch } = endpoint;
    const isCurrent = (): boolean => endpoint.state === 'connected' && endpoint.epoch === epoch;
    while (isCurrent()) {
      try {
        await this.frontEnd.attach({
          mode: this.#mode,
          ...this.#size,
          takeOver: this.#takesOver && this.#session === '',
          // A screen that was not drawn whole cannot be gone on with.
          session: this.#screenBytes > 0 ? '' : this.#session,
          position: this.#position,
        });
        if (isCurrent()) this.#noteAttached();
        return;
      } catch (error) {
        if (!(error instanceof IdcError)) throw error;
        const isHeld = error instanceof DriverError && error.failure === 'HELD';
        if (isHeld && this.#session !== '') {
          // Somebody else began to write while this end was away.
          this.#mode = 'view';
        } else if (error instanceof DriverError) {
          this.#fail(error);
          return;
        } else if (error.code !== ErrorCode.Timeout) {
          // The epoch is over, and the next one begins with the same question.
          return;
        }
      }
    }
  }

  #noteAttached(): void {
    this.#isAttached = true;
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  #interrupt(reason: ErrorCode): void {
    this.#isAttached = false;
    // What was given up is not looked for.
    if (this.#failure !== undefined) return;
    void this.#show(() => this.#handlers.lost?.(reason));
  }

  #whenAttached(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isAttached) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** The back end sent what no legal one sends. */
  #refuse(): Promise<void> {
    this.#fail(new IdcError(ErrorCode.Corrupt, 'done'));
    return Promise.resolve();
  }

  #fail(error: IdcError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#settle(error);
    for (const { reject } of this.#waiters.splice(0)) reject(error);
    void this.frontEnd.close();
  }
}
