/**
 * Viewer: one front end that looks at a session, from one `attach` until it is gone or attaches
 * anew. Sends it everything in one order and at its own pace: each event waits for the credit of
 * an earlier one, so a front end that does not read is sent nothing more, and nothing is kept for
 * it but its position.
 */
import { IdcError } from 'idc';
import type { FrontEndPeer } from 'idc/drivers/kit';
import { chunkBytesMax, type ConsoleMode, type ConsoleSchema } from './console-protocol.js';
import type { ConsoleSession } from './console-session.js';
import type { Drawing } from './screen.js';

export class Viewer {
  readonly #session: ConsoleSession;
  readonly #frontEnd: FrontEndPeer<ConsoleSchema>;
  #mode: ConsoleMode;
  /** Of what it has not been sent yet; undefined until it is shown a screen. */
  #position: number | undefined;
  #hasBegun = false;
  #isSizeNew = false;
  #isTakenOver = false;
  #hasTold = false;
  #isOver = false;
  #wake: (() => void) | undefined = undefined;

  /** `position`: what it has seen of this session, if it can go on there. */
  constructor(
    session: ConsoleSession,
    frontEnd: FrontEndPeer<ConsoleSchema>,
    mode: ConsoleMode,
    position: number | undefined,
  ) {
    this.#session = session;
    this.#frontEnd = frontEnd;
    this.#mode = mode;
    this.#position = position;
  }

  get mode(): ConsoleMode {
    return this.#mode;
  }

  /** Bytes that it has not been sent, not counting those that a screen will show. */
  get lag(): number {
    return this.#position === undefined ? 0 : this.#session.tail.end - this.#position;
  }

  /** It was told how the command ended, and has seen everything before that. */
  get hasSeenEnd(): boolean {
    return this.#hasTold;
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  noteSize(): void {
    this.#isSizeNew = true;
    this.wake();
  }

  /** Somebody else writes from here on. */
  takeOver(): void {
    this.#mode = 'view';
    this.#isTakenOver = true;
    this.wake();
  }

  /** It is sent nothing more. */
  stop(): void {
    this.#isOver = true;
    this.wake();
  }

  /** Sends until it is stopped or the front end is gone; rejects with no operating error. */
  async run(): Promise<void> {
    try {
      while (!this.#isOver) await this.#step();
    } catch (error) {
      if (!(error instanceof IdcError)) throw error;
    }
    this.#isOver = true;
  }

  /** The most urgent thing that it has to be sent, or the wait for one. */
  async #step(): Promise<void> {
    const { exit, tail } = this.#session;
    const position = this.#position;
    const isLost = position !== undefined && position < tail.start;
    if (position === undefined || isLost) {
      await this.#begin(await this.#session.draw());
    } else if (!this.#hasBegun) {
      await this.#continue(position);
    } else if (this.#isTakenOver) {
      this.#isTakenOver = false;
      await this.#frontEnd.takenOver();
    } else if (this.#isSizeNew) {
      this.#isSizeNew = false;
      await this.#frontEnd.resized(this.#session.size);
    } else if (position < tail.end) {
      await this.#sendOutput(position);
    } else if (exit !== undefined && !this.#hasTold) {
      await this.#frontEnd.exited(exit);
      await this.#frontEnd.endpoint.whenFlushed();
      this.#hasTold = true;
      this.#session.noteSeen();
    } else {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #begin({ bytes, position }: Drawing): Promise<void> {
    if (!this.#goesOn()) return;
    this.#position = position;
    await this.#announce(position, bytes.length, false);
    for (let at = 0; at < bytes.length && this.#goesOn(); at += chunkBytesMax) {
      await this.#frontEnd.screen({ bytes: bytes.subarray(at, at + chunkBytesMax) });
    }
    this.#session.regulate();
  }

  async #continue(position: number): Promise<void> {
    await this.#announce(position, 0, true);
  }

  /** It may be stopped while an event is on its way. */
  #goesOn(): boolean {
    return !this.#isOver;
  }

  async #announce(position: number, screenBytes: number, continues: boolean): Promise<void> {
    const { id, hasTerminal, size } = this.#session;
    this.#hasBegun = true;
    this.#isSizeNew = false;
    const mode = this.#mode;
    const fixed = { session: id, hasTerminal, mode, ...size };
    await this.#frontEnd.began({ ...fixed, position, screenBytes, continues });
  }

  async #sendOutput(position: number): Promise<void> {
    const bytes = this.#session.tail.read(position, chunkBytesMax);
    // It was looked at right before; the next step finds out what became of it.
    if (bytes === undefined) return;
    await this.#frontEnd.output({ bytes });
    this.#position = position + bytes.length;
    this.#session.regulate();
  }
}
