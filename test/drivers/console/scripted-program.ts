/** A program that does what a test tells it, and notes what is done to it. */
import assert from 'node:assert/strict';
import type {
  ConsoleExit,
  ConsoleSignal,
  ConsoleSize,
  Program,
  ProgramEvents,
  StartProgram,
} from 'idc/drivers/console';

/** As much as one read of a pseudo-terminal may bring. */
const readBytes = 64 * 1024;

export class ScriptedProgram implements Program {
  readonly hasTerminal = true;
  readonly sizes: ConsoleSize[] = [];
  readonly signals: ConsoleSignal[] = [];
  unreadBytes = 0;
  isPaused = false;
  typed = '';
  isInputEnded = false;
  /** False: it takes nothing of what is typed. */
  reads = true;
  #events: ProgramEvents | undefined = undefined;
  #hasEnded = false;
  /** What it would have written had it not been paused. */
  #waiting: Uint8Array[] = [];

  /** Hand it to `serveConsole`. */
  readonly start: StartProgram = (_settings, events) => {
    this.#events = events;
    return this;
  };

  /** Writes, now or once it is resumed. */
  print(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    for (let at = 0; at < bytes.length; at += readBytes) {
      this.#waiting.push(bytes.slice(at, at + readBytes));
    }
    this.#flush();
  }

  end(exit: ConsoleExit = { code: 0, signal: 0 }): void {
    if (this.#hasEnded) return;
    this.resume();
    // What had to wait is no less its output.
    for (const bytes of this.#waiting.splice(0)) this.#events?.output(bytes);
    this.#hasEnded = true;
    this.#events?.ended(exit);
  }

  write(bytes: Uint8Array): Promise<void> {
    if (!this.reads) {
      this.unreadBytes += bytes.length;
      return new Promise(() => undefined);
    }
    this.typed += Buffer.from(bytes).toString();
    return Promise.resolve();
  }

  endInput(): void {
    this.isInputEnded = true;
  }

  resize(size: ConsoleSize): void {
    this.sizes.push(size);
  }

  /** Every signal ends it. */
  signal(name: ConsoleSignal): void {
    this.signals.push(name);
    setImmediate(() => {
      this.end({ code: 129, signal: 1 });
    });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.#flush();
  }

  #flush(): void {
    assert(this.#events !== undefined, 'it runs');
    while (!this.isPaused) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return;
      this.#events.output(bytes);
    }
  }
}
