/**
 * Mischief: what a hostile process does to the memory that it owns, word by word. The frames are
 * the core's own, so whatever is left as it was is legal.
 */
import { between, type Random } from '../../compliance/random.js';
import { FrameType } from '../../../core/frame.js';
import { Control, recordHeaderBytes } from '../../../transports/ring/ring-layout.js';

/** Values at which lengths, counts, sequences and positions are decided. */
const edges = [0, 1, -1, 2, 4, 7, 8, 12, 0xffff, 0x10000, 2 ** 20, 2 ** 31 - 1, -(2 ** 31)];
const controlWords = [Control.Produced, Control.Consumed, Control.Sleep, Control.Ended];
const constantWords = [Control.Magic, Control.Version, Control.RingBytes, Control.Token];

/** One frame in this many is touched, so that sessions get somewhere before they end. */
const touchedOneIn = 6;
const flickersMax = 40;
const recentMax = 8;
const headerWords = 8;
/** One scribble in this many goes to the positions and other words outside the ring. */
const controlOneIn = 400;

interface Committed {
  readonly words: Int32Array;
  /** The frame's first word, among the words of the whole memory. */
  readonly index: number;
  readonly wordCount: number;
}

export class Mischief {
  /** Words changed so far. */
  count = 0;
  readonly #random: Random;
  readonly #isStructured: boolean;
  readonly #recent: Committed[] = [];

  /** Structured: one word of a frame. Else any words, as often as it can be. */
  constructor(random: Random, isStructured: boolean) {
    this.#random = random;
    this.#isStructured = isStructured;
  }

  /** A legal frame lies in `bytes`, and nobody has seen it yet. */
  claimed(bytes: Uint8Array, offset: number, byteLength: number): void {
    const words = new Int32Array(bytes.buffer);
    const index = (bytes.byteOffset + offset) >> 2;
    const frame = { words, index, wordCount: (byteLength + 3) >> 2 };
    const isGreeting = ((words[index] ?? 0) & 0xff) < FrameType.Message;
    if (isGreeting && between(this.#random, 1, touchedOneIn) !== 1) return;
    this.#recent.push(frame);
    if (this.#recent.length > recentMax) this.#recent.shift();
    if (this.#isStructured && between(this.#random, 1, touchedOneIn) === 1) this.#touch(frame);
  }

  /** Frames were published; the other side may be reading them now. */
  published(): void {
    for (const frame of this.#recent) {
      if (this.#isStructured) this.#flicker(frame);
      else this.#scribble(frame);
    }
    this.#recent.length = 0;
  }

  /** What `word` becomes. */
  #change(word: number): number {
    switch (between(this.#random, 0, 3)) {
      case 0:
        return edges[between(this.#random, 0, edges.length - 1)] ?? 0;
      case 1:
        return word ^ (1 << between(this.#random, 0, 31));
      case 2:
        return (word + between(this.#random, 0, 16) - 8) | 0;
      default:
        return this.#random() | 0;
    }
  }

  #touch({ words, index, wordCount }: Committed): void {
    const at = index + between(this.#random, 0, Math.min(headerWords, wordCount) - 1);
    words[at] = this.#change(words[at] ?? 0);
    this.count += 1;
  }

  /** One word is this and that in turn, so that who looks twice may see two things. */
  #flicker({ words, index, wordCount }: Committed): void {
    if (between(this.#random, 1, touchedOneIn) !== 1) return;
    const at = index + between(this.#random, 0, Math.min(headerWords, wordCount) - 1);
    const legal = words[at] ?? 0;
    const other = this.#change(legal);
    for (let count = between(this.#random, 1, flickersMax); count > 0; count--) {
      Atomics.store(words, at, other);
      Atomics.store(words, at, legal);
    }
    this.count += 1;
  }

  #scribble({ words, index, wordCount }: Committed): void {
    for (let count = between(this.#random, 1, 200); count > 0; count--) {
      this.count += 1;
      if (between(this.#random, 1, controlOneIn) === 1) this.#scribbleControl(words);
      else {
        // The body most of the time, the frame's header and the record's now and then.
        const isHeader = between(this.#random, 1, 64) === 1;
        const from = isHeader
          ? index - recordHeaderBytes / 4
          : Math.min(index + 3, words.length - 1);
        const at = between(this.#random, from, Math.max(from, index + wordCount));
        words[at] = this.#change(words[at] ?? 0);
      }
    }
  }

  #scribbleControl(words: Int32Array): void {
    const known = between(this.#random, 0, 3) > 0 ? controlWords : constantWords;
    const at = known[between(this.#random, 0, known.length - 1)] ?? 0;
    Atomics.store(words, at, this.#change(Atomics.load(words, at)));
  }
}
