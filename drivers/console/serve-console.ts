/**
 * The back end of a console: runs one command, and shows it to whoever attaches. It goes on
 * whether somebody looks or not, and ends with the command; what was on the screen at the end, and
 * how the command ended, is there until the back end is closed.
 */
import {
  createRuntime,
  ErrorCode,
  IdcAssertionError,
  IdcError,
  type Domain,
  type Runtime,
} from 'idc';
import {
  createBackEnd,
  type BackEnd,
  type BackEndOptions,
  type FrontEndPeer,
} from 'idc/drivers/kit';
import { Attendant } from './attendant.js';
import {
  consoleProtocol,
  isSize,
  sizeDefault,
  type ConsoleExit,
  type ConsoleSchema,
  type ConsoleSize,
} from './console-protocol.js';
import { ConsoleSession } from './console-session.js';
import { startPipedProgram } from './piped-program.js';
import type { StartProgram } from './program.js';
import type { ScreenKind } from './screen.js';
import { findTerminals } from './terminal-program.js';

/** What is run, and how it is shown. */
export interface ConsoleServerOptions {
  /** A program, looked up as a shell does; it is run without a shell. */
  readonly command: string;
  /** What it is called with. Default: nothing. */
  readonly words?: readonly string[];
  /** Where it runs. Default: where this process does. */
  readonly directory?: string;
  /** Default: this process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Until a writer attaches, whose size it takes on. Default 80 x 24. */
  readonly size?: ConsoleSize;
  /**
   * `auto`: a pseudo-terminal if `@lydell/node-pty` is installed, else plain pipes; `always`: or
   * `UNSUPPORTED` is thrown. Default `auto`.
   */
  readonly terminal?: 'auto' | 'always' | 'never';
  /**
   * What one is shown who attaches: `model`, the screen itself, if `@xterm/headless` and
   * `@xterm/addon-serialize` are installed; `tail`, the last output again. Default: the best.
   */
  readonly screen?: ScreenKind | 'auto';
  /** Of the output, so much is kept for those who read slowly. Default 512 KiB. */
  readonly tailBytes?: number;
  /**
   * When the back end is closed: from hanging up to killing the command, and again for those who
   * are attached to see how it ended. Default 2,000 ms.
   */
  readonly graceMs?: number;
  /** Starts the command in place of this system. */
  readonly start?: StartProgram;
  /** As of any back end of the kit. */
  readonly listen?: BackEndOptions['listen'];
  /** Turns a front end away before it is attached. */
  readonly refuse?: BackEndOptions['refuse'];
  /** The domain's, if that was given one. */
  readonly runtime?: Runtime;
}

/** A plain copy, taken at the call. */
export interface ConsoleStatistics {
  readonly viewers: number;
  readonly hasWriter: boolean;
  /** Bytes that the command has written. */
  readonly outputBytes: number;
  /** The command waits for its writer, or for the screen to be kept. */
  readonly isPaused: boolean;
}

/** A command that runs, and its back end. */
export interface ConsoleServer {
  /** Resolves with the address once it listens. */
  readonly ready: Promise<string>;
  /** Random; another one is another run of the command. */
  readonly session: string;
  /** Resolves when the command has ended. */
  readonly ended: Promise<ConsoleExit>;
  /** False: it runs on plain pipes. */
  readonly hasTerminal: boolean;
  /** What one is shown who attaches. */
  readonly screen: ScreenKind;
  /** What is missing for a terminal or a model of the screen, and how to get it. */
  readonly problems: readonly string[];
  statistics(): ConsoleStatistics;
  /** Resolves when all who are attached have seen how the command ended. */
  whenSeen(): Promise<void>;
  /** Ends the command if it still runs, and gives every front end up; so does its domain's end. */
  close(): Promise<void>;
}

const tailBytesDefault = 512 * 1024;
/** One read of a stream and a torn sequence have to fit beside the shares of the session. */
const tailBytesMin = 256 * 1024;
const graceMsDefault = 2_000;
/** In flight to one front end: as many as keep a fast link busy, and few enough for Ctrl-C. */
const counts = { messages: 16, transactions: 16 } as const;

/** Starts the command, and serves it at `address`. */
export function serveConsole(
  domain: Domain,
  address: string,
  options: ConsoleServerOptions,
): ConsoleServer {
  return new Server(domain, address, options);
}

class Server implements ConsoleServer {
  readonly ready: Promise<string>;
  readonly problems: readonly string[];
  readonly #session: ConsoleSession;
  readonly #back: BackEnd<ConsoleSchema>;
  readonly #graceMs: number;
  readonly #runtime: Runtime;
  #closing: Promise<void> | undefined = undefined;

  constructor(domain: Domain, address: string, options: ConsoleServerOptions) {
    const { runtime = createRuntime(), graceMs = graceMsDefault, listen, refuse } = options;
    const { start, problem } = chooseProgram(options);
    const session = makeSession(options, start, runtime);
    this.#graceMs = graceMs;
    this.#runtime = runtime;
    this.#session = session;
    this.problems = [problem, session.screenProblem].filter((it) => it !== undefined);
    const handlers = (frontEnd: FrontEndPeer<ConsoleSchema>): Attendant =>
      new Attendant(session, frontEnd);
    this.#back = createBackEnd(domain, address, consoleProtocol, handlers, {
      counts,
      runtime,
      ...(listen === undefined ? {} : { listen }),
      ...(refuse === undefined ? {} : { refuse }),
    });
    this.ready = this.#back.ready;
    // Its domain may be closed over its head: then nobody can reach the command any more.
    this.#back.listener.lifecycle$.subscribe(({ type }) => {
      if (type === 'closed') void this.close();
    });
  }

  get session(): string {
    return this.#session.id;
  }

  get ended(): Promise<ConsoleExit> {
    return this.#session.ended;
  }

  get hasTerminal(): boolean {
    return this.#session.hasTerminal;
  }

  get screen(): ScreenKind {
    return this.#session.screenKind;
  }

  statistics(): ConsoleStatistics {
    const { viewers, writer, tail, isPaused } = this.#session;
    return {
      viewers: viewers.length,
      hasWriter: writer !== undefined,
      outputBytes: tail.end,
      isPaused,
    };
  }

  whenSeen(): Promise<void> {
    return this.#session.whenSeen();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#session.close(this.#graceMs);
    // Whoever is there is still told how it ended.
    await this.#waitForViewers();
    await this.#back.close();
    this.#session.forget();
  }

  #waitForViewers(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#runtime.scheduler.after(this.#graceMs, resolve);
      void this.whenSeen().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}

function makeSession(
  options: ConsoleServerOptions,
  start: StartProgram,
  runtime: Runtime,
): ConsoleSession {
  const { command, words = [], directory = process.cwd(), environment = process.env } = options;
  const { size = sizeDefault, screen = 'auto', tailBytes = tailBytesDefault } = options;
  expect(isSize(size), 'a screen has from 1 to 1,000 columns and from 1 to 500 rows');
  expect(tailBytes >= tailBytesMin, `tailBytes is ${tailBytesMin} or more`);
  const program = { command, words, directory, environment, size };
  return new ConsoleSession({ start, program, screen, tailBytes, runtime });
}

function chooseProgram({ start, terminal = 'auto' }: ConsoleServerOptions): {
  readonly start: StartProgram;
  readonly problem?: string;
} {
  if (start !== undefined) return { start };
  if (terminal === 'never') return { start: startPipedProgram };
  const found = findTerminals();
  if (typeof found !== 'string') return { start: found };
  const problem = `no pseudo-terminal: ${found}; try: npm install @lydell/node-pty`;
  if (terminal === 'always')
    throw new IdcError(ErrorCode.Unsupported, 'never', { reason: problem });
  return { start: startPipedProgram, problem };
}

function expect(holds: boolean, claim: string): void {
  if (!holds) throw new IdcAssertionError('BAD_ARGUMENT', claim);
}
