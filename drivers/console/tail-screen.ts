/** TailScreen: shows the last output once more, from the beginning of a line. */
import type { OutputTail } from './output-tail.js';
import type { Drawing, Screen } from './screen.js';

/** Of the tail, as much as fills any screen that people have. */
const replayBytesMax = 32 * 1024;
const newline = 0x0a;

export class TailScreen implements Screen {
  readonly kind = 'tail';
  readonly pendingBytes = 0;
  readonly #tail: OutputTail;

  constructor(tail: OutputTail) {
    this.#tail = tail;
  }

  show(): void {
    // It is in the tail.
  }

  resize(): void {
    // The program draws again what it wants to have drawn.
  }

  draw(): Promise<Drawing> {
    const { start, end } = this.#tail;
    const from = Math.max(start, end - replayBytesMax);
    const bytes = this.#tail.read(from, replayBytesMax) ?? new Uint8Array(0);
    const skipped = from === 0 ? 0 : bytes.indexOf(newline) + 1;
    return Promise.resolve({ bytes: bytes.subarray(skipped), position: end });
  }

  close(): void {
    // It holds nothing of its own.
  }
}
