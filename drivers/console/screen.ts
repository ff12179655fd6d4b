/** Screen: what a viewer is shown that has not seen the output from its beginning. */
import type { ConsoleSize } from './console-protocol.js';
import type { OutputTail } from './output-tail.js';

/** Bytes that draw a screen; output goes on at `position`. */
export interface Drawing {
  readonly bytes: Uint8Array;
  readonly position: number;
}

export interface Screen {
  readonly kind: ScreenKind;
  /** Bytes that were shown to it and that it has not looked at yet. */
  readonly pendingBytes: number;
  /** All output, in order, once it is in the tail; the bytes stay as they are. */
  show(bytes: Uint8Array): void;
  resize(size: ConsoleSize): void;
  /** Draws what it shows after all that it was shown so far; the cursor is where it was. */
  draw(): Promise<Drawing>;
  close(): void;
}

/** `model`: of a terminal, character for character; `tail`: the last bytes again. */
export type ScreenKind = 'model' | 'tail';

export interface ScreenSettings {
  readonly size: ConsoleSize;
  readonly tail: OutputTail;
  /** It has looked at some of what was pending. */
  readonly progressed: () => void;
  /** What a terminal answers to a program that asks it. */
  readonly answered: (bytes: Uint8Array) => void;
}
