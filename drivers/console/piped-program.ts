/** A program on plain pipes: for systems without pseudo-terminals, and for what wants none. */
import { spawn } from 'node:child_process';
import os from 'node:os';
import type { Readable } from 'node:stream';
import { makeExit, signalGroup, type Program, type StartProgram } from './program.js';

/** What a shell says of a command that is not there. */
const notFoundCode = 127;
/** A process that outlives the program may keep a pipe open; so long its output is waited for. */
const lingerMs = 200;

export const startPipedProgram: StartProgram = (settings, { output, ended }) => {
  const { command, words, directory, environment } = settings;
  const child = spawn(command, words, {
    cwd: directory,
    env: { ...environment },
    stdio: 'pipe',
    // A process group of its own, which signals go to.
    detached: true,
  });
  const streams: readonly Readable[] = [child.stdout, child.stderr];
  let hasExited = false;
  let hasEnded = false;
  const end = (code: number, signal: number): void => {
    if (hasEnded) return;
    hasEnded = true;
    for (const stream of streams) stream.destroy();
    ended(makeExit(code, signal));
  };
  for (const stream of streams) {
    stream.on('data', (bytes: Buffer) => {
      if (!hasEnded) output(bytes);
    });
  }
  child.on('error', (error) => {
    output(new TextEncoder().encode(`${error.message}\n`));
    end(notFoundCode, 0);
  });
  child.on('exit', (code, signal) => {
    const number = signal === null ? 0 : os.constants.signals[signal];
    const finish = (): void => {
      end(code ?? 0, number);
    };
    child.once('close', finish);
    // What is in the pipes is read, however slow the reader was until now.
    hasExited = true;
    for (const stream of streams) stream.resume();
    setTimeout(() => {
      // The system is looked at once more between these two, which empties the pipes.
      setImmediate(() => {
        setImmediate(finish);
      });
    }, lingerMs);
  });
  // It may end, or close its input, while something is on its way there.
  child.stdin.on('error', () => undefined);
  return makeProgram(child.pid, child.stdin, streams, () => hasExited);
};

function makeProgram(
  pid: number | undefined,
  input: NodeJS.WritableStream & { readonly writableLength: number },
  streams: readonly Readable[],
  hasExited: () => boolean,
): Program {
  return {
    hasTerminal: false,
    get unreadBytes() {
      return input.writableLength;
    },
    write: (bytes) =>
      new Promise((resolve) => {
        input.write(bytes, () => {
          resolve();
        });
      }),
    endInput: () => {
      input.end();
    },
    resize: () => undefined,
    signal: (name) => {
      if (pid !== undefined) signalGroup(pid, name);
    },
    pause: () => {
      // What is left is little, and there is nobody whom it would hold.
      if (hasExited()) return;
      for (const stream of streams) stream.pause();
    },
    resume: () => {
      for (const stream of streams) stream.resume();
    },
  };
}
