/**
 * Journal: what one process saw, appended synchronously before it acts on it, so that nothing is
 * lost when it is killed. Times are of CLOCK_MONOTONIC, which all processes of a machine share.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

import type { Execution } from 'idc';

export type What = 'message' | 'promise' | 'callback';

/** `endpoint` is unique within its process; `link` names a connection alike at both ends. */
export type Fact =
  | { type: 'appear'; endpoint: string; link: string }
  | { type: 'connect'; endpoint: string; epoch: number }
  | {
      type: 'disconnect';
      endpoint: string;
      epoch: number;
      reason: string;
      submittedThrough: number;
      handledThrough: number;
      neverFrom: number;
    }
  /** The client's own drain is over. */
  | { type: 'drained'; endpoint: string; epoch: number }
  | { type: 'disappear'; endpoint: string }
  | { type: 'destroyed'; endpoint: string; abandoned: boolean }
  /** `destroy` or `close` is about to be called. */
  | { type: 'leaving'; endpoint: string }
  | { type: 'submit'; endpoint: string; epoch: number; id: string; what: What }
  | { type: 'accepted'; id: string; ordinal: number }
  | { type: 'refused'; id: string; code: number }
  | { type: 'givenUp'; id: string }
  | { type: 'settled'; id: string; code: string; execution: Execution }
  /** A handler was given it; `ordinal` is 0 where the handler is not told. */
  | { type: 'handled'; endpoint: string; epoch: number; id: string; ordinal: number }
  /** A handler still writes although the epoch is over. */
  | { type: 'late'; endpoint: string; epoch: number; id: string }
  /** A handler is about to complete it. */
  | { type: 'completed'; endpoint: string; epoch: number; id: string }
  /** A handler was given bytes that nobody submitted; `id` is empty if they do not tell it. */
  | { type: 'garbled'; endpoint: string; epoch: number; id: string }
  /** A transaction was given another status than its own. */
  | { type: 'foreign'; id: string }
  /** A handler was given what was submitted for another link or epoch. */
  | { type: 'misplaced'; endpoint: string; epoch: number; id: string; link: string }
  /** Something that must not be, seen by the process itself. */
  | { type: 'breach'; text: string };

export type Entry = Fact & { readonly atUs: number };

/** Microseconds, comparable between processes. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

export class Journal {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(fact: Fact): void {
    writeSync(this.#file, `${JSON.stringify({ atUs: nowUs(), ...fact })}\n`);
  }
}

const chunkBytes = 1 << 20;

/** Reads a journal while it grows. A last line without its end was cut by a kill. */
export class JournalReader {
  readonly #file: number;
  #rest = '';

  constructor(path: string) {
    this.#file = openSync(path, 'a+');
  }

  /** What was written since the last call. */
  read(): Entry[] {
    const bytes = Buffer.alloc(chunkBytes);
    for (let count = 1; count > 0;) {
      count = readSync(this.#file, bytes, 0, chunkBytes, null);
      this.#rest += bytes.toString('latin1', 0, count);
    }
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    // reason: only `Journal.write` writes these files
    return lines.map((line) => JSON.parse(line) as Entry);
  }

  close(): void {
    closeSync(this.#file);
  }
}
