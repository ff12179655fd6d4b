/** Program: the command of a session, whatever it runs in. */
import type { ConsoleExit, ConsoleSignal, ConsoleSize } from './console-protocol.js';

/** What is to be run. */
export interface ProgramSettings {
  readonly command: string;
  readonly words: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly size: ConsoleSize;
}

/** Told by a program: its output in order, and its end after all of it. */
export interface ProgramEvents {
  /** The bytes belong to whom they are given. */
  readonly output: (bytes: Uint8Array) => void;
  readonly ended: (exit: ConsoleExit) => void;
}

/** A command that was started. */
export interface Program {
  /** False: what it does for a person at a terminal it does not do here. */
  readonly hasTerminal: boolean;
  /** Bytes that were written and that it has not taken yet. */
  readonly unreadBytes: number;
  /** Resolves when the system has taken them; also if it never will, once the program has ended. */
  write(bytes: Uint8Array): Promise<void>;
  /** There will be no more input. */
  endInput(): void;
  /** Its screen has another size from here on. */
  resize(size: ConsoleSize): void;
  /** To all of its processes that did not leave its group; nothing if it has ended. */
  signal(name: ConsoleSignal): void;
  /** No output from here on, but for what is under way; the program waits when it writes more. */
  pause(): void;
  resume(): void;
}

/** Starts a command; it tells nothing of itself before this has returned. */
export type StartProgram = (settings: ProgramSettings, events: ProgramEvents) => Program;

/** Sends a signal to the process group that a program leads. */
export function signalGroup(pid: number, name: ConsoleSignal): void {
  try {
    process.kill(-pid, `SIG${name}`);
  } catch (error) {
    // It has ended, which its events tell.
    if (!isNoProcess(error)) throw error;
  }
}

function isNoProcess(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}

const signalCodeBase = 128;

/** As a shell tells it. */
export function makeExit(code: number, signal: number): ConsoleExit {
  return { code: signal === 0 ? code & 0xff : signalCodeBase + signal, signal };
}

const cannotStartCode = 126;

/** Stands for a program that the system did not start: it says why, and has ended. */
export function startFailedProgram(error: Error, { output, ended }: ProgramEvents): Program {
  setImmediate(() => {
    output(new TextEncoder().encode(`${error.message}\n`));
    ended(makeExit(cannotStartCode, 0));
  });
  return {
    hasTerminal: false,
    unreadBytes: 0,
    write: () => Promise.resolve(),
    endInput: () => undefined,
    resize: () => undefined,
    signal: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
  };
}
