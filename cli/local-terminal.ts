/**
 * LocalTerminal: the terminal, or the pipes, that `idc console attach` was started in. What it
 * changes about a terminal it puts right again.
 */

/** A line in a terminal that may be raw. */
const clear = '\u001B[0m\u001B[H\u001B[2J';
const enterAlternate = '\u001B[?1049h';
const leaveAlternate = '\u001B[?1049l';
/** Colours, cursor, keypad, mouse and paste as a shell expects them. */
const modesOff = [1, 1000, 1002, 1003, 1004, 1006, 2004].map((mode) => `\u001B[?${mode}l`);
const calm = `\u001B[!p\u001B[0m\u001B>\u001B[?25h${modesOff.join('')}`;
/** What is typed while it cannot be sent. */
const keysMax = 64 * 1024;

export interface KeyHandlers {
  /** Settles when they are off our hands. */
  readonly keys: (bytes: Uint8Array) => Promise<void>;
  readonly ended: () => void;
  readonly resized: () => void;
}

export class LocalTerminal {
  readonly isTerminal: boolean = process.stdout.isTTY;
  readonly #hasKeys: boolean = process.stdin.isTTY;
  #isAlternate = false;
  #keyBytes = 0;
  #isStarted = false;
  #stop: () => void = () => undefined;

  get size(): { readonly columns: number; readonly rows: number } | undefined {
    const { columns, rows } = process.stdout;
    return this.isTerminal && columns > 0 && rows > 0 ? { columns, rows } : undefined;
  }

  /** Keys come one by one from here on, and nothing is done with them here. */
  start({ keys, ended, resized }: KeyHandlers): void {
    const { stdin, stdout } = process;
    const take = (bytes: Buffer): void => {
      // Somebody who types on and on is not kept waiting without end, a file is.
      if (this.#hasKeys && this.#keyBytes + bytes.length > keysMax) {
        stdout.write('\u0007');
        return;
      }
      this.#keyBytes += bytes.length;
      if (!this.#hasKeys && this.#keyBytes >= keysMax) stdin.pause();
      void keys(bytes).finally(() => {
        this.#keyBytes -= bytes.length;
        if (!this.#hasKeys && this.#isStarted) stdin.resume();
      });
    };
    this.#isStarted = true;
    if (this.#hasKeys) stdin.setRawMode(true);
    stdin.on('data', take);
    stdin.on('end', ended);
    stdout.on('resize', resized);
    this.#stop = () => {
      this.#isStarted = false;
      stdin.off('data', take);
      stdin.off('end', ended);
      stdout.off('resize', resized);
      stdin.pause();
      if (this.#hasKeys) stdin.setRawMode(false);
    };
  }

  /** Resolves when the terminal has taken it: who shows more is as slow as that. */
  show(bytes: Uint8Array): Promise<void> {
    this.#noteAlternate(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return new Promise((resolve) => {
      process.stdout.write(bytes, () => {
        resolve();
      });
    });
  }

  /** An empty screen, whatever is on it. */
  async clear(): Promise<void> {
    if (!this.isTerminal) return;
    const leave = this.#isAlternate ? leaveAlternate : '';
    await this.show(Buffer.from(`${leave}${calm}${clear}`));
  }

  /** What is on the screen is kept above it, where there is such a place. */
  async scrollAway(): Promise<void> {
    await this.show(Buffer.from('\r\n'.repeat(this.size?.rows ?? 0)));
  }

  /** A line for whoever looks, between what the command shows. */
  say(text: string): void {
    process.stderr.write(this.isTerminal ? `\r\n[idc: ${text}]\r\n` : `idc: ${text}\n`);
  }

  /** As it was. */
  stop(): void {
    this.#stop();
    if (!this.isTerminal) return;
    process.stdout.write(`${this.#isAlternate ? leaveAlternate : ''}${calm}`);
  }

  #noteAlternate(bytes: Buffer): void {
    const entered = bytes.lastIndexOf(enterAlternate);
    const left = bytes.lastIndexOf(leaveAlternate);
    if (entered !== left) this.#isAlternate = entered > left;
  }
}
