/**
 * SequenceScanner: where output may be cut, so that neither a character of UTF-8 nor a control
 * sequence is torn apart. A screen that was taken at such a place goes on with what follows it.
 */
const Phase = {
  /** Between characters: here it may be cut. */
  Ground: 0,
  /** In a character of several bytes. */
  Character: 1,
  /** After ESC. */
  Escape: 2,
  /** ESC and bytes that choose what the next one means. */
  EscapeIntermediate: 3,
  /** ESC [ parameters: up to a byte from @ on. */
  Control: 4,
  /** OSC, DCS and the like: up to BEL or ESC \. */
  Text: 5,
  /** ESC inside one of those. */
  TextEscape: 6,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

const bell = 0x07;
const cancel = 0x18;
const substitute = 0x1a;
const escape = 0x1b;
const bracket = 0x5b;
const backslash = 0x5c;
/** P, X, ], ^ and _: what follows ESC where a text begins. */
const textIntroducers: ReadonlySet<number> = new Set([0x50, 0x58, 0x5d, 0x5e, 0x5f]);

export class SequenceScanner {
  #phase: Phase = Phase.Ground;
  #missing = 0;

  /** Reads on; answers how many of the bytes come before the last place to cut, or -1: none. */
  scan(bytes: Uint8Array): number {
    let cut = -1;
    for (let index = 0; index < bytes.length; index++) {
      this.#phase = this.#next(bytes[index] ?? 0);
      if (this.#phase === Phase.Ground) cut = index + 1;
    }
    return cut;
  }

  #next(byte: number): Phase {
    // These end a sequence wherever they come.
    if (byte === cancel || byte === substitute) return Phase.Ground;
    switch (this.#phase) {
      case Phase.Ground:
        return this.#begin(byte);
      case Phase.Character:
        // Not a continuation: the character was broken off, and another begins.
        if ((byte & 0xc0) !== 0x80) return this.#begin(byte);
        this.#missing -= 1;
        return this.#missing === 0 ? Phase.Ground : Phase.Character;
      case Phase.Escape:
        return escapeNext(byte);
      case Phase.EscapeIntermediate:
        if (byte === escape) return Phase.Escape;
        return byte >= 0x20 && byte <= 0x2f ? Phase.EscapeIntermediate : Phase.Ground;
      case Phase.Control:
        if (byte === escape) return Phase.Escape;
        return byte >= 0x40 && byte <= 0x7e ? Phase.Ground : Phase.Control;
      case Phase.Text:
        if (byte === bell) return Phase.Ground;
        return byte === escape ? Phase.TextEscape : Phase.Text;
      case Phase.TextEscape:
        return byte === backslash ? Phase.Ground : escapeNext(byte);
    }
  }

  #begin(byte: number): Phase {
    if (byte === escape) return Phase.Escape;
    if (byte < 0xc2 || byte > 0xf4) return Phase.Ground;
    this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    return Phase.Character;
  }
}

function escapeNext(byte: number): Phase {
  if (byte === escape) return Phase.Escape;
  if (byte === bracket) return Phase.Control;
  if (textIntroducers.has(byte)) return Phase.Text;
  return byte >= 0x20 && byte <= 0x2f ? Phase.EscapeIntermediate : Phase.Ground;
}
