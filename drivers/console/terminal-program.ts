/**
 * A program in a pseudo-terminal, through `@lydell/node-pty`: optional, prebuilt, loaded on first
 * need, and the one place where it is known.
 *
 * Three members of its objects are used that its documentation leaves out: the stream of the
 * terminal, its descriptor and its name. So the package is pinned to a version that has them.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { ConsoleSignal, ConsoleSize } from './console-protocol.js';
import { findPackage } from './optional-package.js';
import {
  makeExit,
  signalGroup,
  startFailedProgram,
  type Program,
  type ProgramEvents,
  type ProgramSettings,
  type StartProgram,
} from './program.js';

/** What is used of the package. */
interface Pty {
  readonly pid: number;
  readonly _socket: Duplex;
  readonly fd: number;
  readonly ptsName: string;
  onExit(listener: (event: { exitCode: number; signal?: number }) => void): unknown;
  resize(columns: number, rows: number): void;
}

interface PtyPackage {
  spawn(
    file: string,
    words: string[],
    options: {
      readonly name: string;
      readonly cols: number;
      readonly rows: number;
      readonly cwd: string;
      readonly env: Record<string, string | undefined>;
      readonly encoding: null;
    },
  ): Pty;
}

const terminalName = 'xterm-256color';
/** Control and D: the end of what is typed. */
const endOfInput = Uint8Array.of(4);

/** How to start a program in a pseudo-terminal, or why there is none. */
export function findTerminals(): StartProgram | string {
  const ptys = findPackage(
    'the package @lydell/node-pty',
    // Its own types need others that a user would have to install.
    (load) => load('@lydell/node-pty') as PtyPackage,
  );
  if (typeof ptys === 'string') return ptys;
  return (settings, events) => start(ptys, settings, events);
}

function start(ptys: PtyPackage, settings: ProgramSettings, events: ProgramEvents): Program {
  const { command, words, directory, environment, size } = settings;
  try {
    const pty = ptys.spawn(command, [...words], {
      name: terminalName,
      cols: size.columns,
      rows: size.rows,
      cwd: directory,
      env: { ...environment },
      encoding: null,
    });
    return new TerminalProgram(pty, events);
  } catch (error) {
    // No terminal or no process left on this system; `spawn` says so by throwing.
    if (!(error instanceof Error)) throw error;
    return startFailedProgram(error, events);
  }
}

class TerminalProgram implements Program {
  readonly hasTerminal = true;
  readonly #pty: Pty;
  readonly #stream: Duplex;
  #hasEnded = false;

  constructor(pty: Pty, { output, ended }: ProgramEvents) {
    this.#pty = pty;
    this.#stream = pty._socket;
    this.#stream.on('data', output);
    pty.onExit(({ exitCode, signal }) => {
      this.#hasEnded = true;
      ended(makeExit(exitCode, signal ?? 0));
    });
    keepLastOutput(pty, output);
  }

  get unreadBytes(): number {
    return this.#stream.writableLength;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#stream.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stream.write(bytes, () => {
        resolve();
      });
    });
  }

  endInput(): void {
    if (!this.#stream.destroyed) this.#stream.write(endOfInput);
  }

  resize({ columns, rows }: ConsoleSize): void {
    if (!this.#hasEnded && !this.#stream.destroyed) this.#pty.resize(columns, rows);
  }

  signal(name: ConsoleSignal): void {
    if (!this.#hasEnded) signalGroup(this.#pty.pid, name);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}

/** Much more than a kernel keeps of a terminal; what a process behind the program adds is not. */
const lastBytesMax = 128 * 1024;
const lastReadBytes = 64 * 1024;

/**
 * Keeps the end of a program's output from being lost. A stream of Node.js takes a terminal that
 * nobody has open for one that was read to its end, which it is not: it holds it open itself. Some
 * time after the program has ended the package destroys the stream, paused or not: what is in it
 * and in the kernel is read before that.
 */
function keepLastOutput(pty: Pty, output: (bytes: Uint8Array) => void): void {
  const { _socket: stream, fd: descriptor, ptsName } = pty;
  const held = openSync(ptsName, constants.O_RDWR | constants.O_NOCTTY);
  stream.once('close', () => {
    closeSync(held);
  });
  const destroy = stream.destroy.bind(stream);
  stream.destroy = (error?: Error) => {
    if (error === undefined && !stream.destroyed) {
      stream.pause();
      // Each goes to its listener as it is read.
      while (stream.read() !== null);
      readRest(descriptor, output);
    }
    return destroy(error);
  };
}

/** Reads until the kernel has no more, which it says by an error. */
function readRest(descriptor: number, output: (bytes: Uint8Array) => void): void {
  try {
    for (let total = 0; total < lastBytesMax;) {
      const bytes = new Uint8Array(lastReadBytes);
      const byteLength = readSync(descriptor, bytes);
      if (byteLength === 0) return;
      output(bytes.subarray(0, byteLength));
      total += byteLength;
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // Nothing more for now, or for ever.
    if (code !== 'EAGAIN' && code !== 'EIO') throw error;
  }
}
