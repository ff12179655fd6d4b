/**
 * The stripped loop: what our messages would cost with no guarantee beyond the transport's.
 *
 * It shows the price of reliability, so it keeps all that moves the bytes and drops all that
 * guards them. Kept: the same transport with the same options and its claim, commit and poll; the
 * frame's two header words and body; the same copy into the link and out of it into a receive slot
 * that lies where a window's would; one call of a handler for each message; as many messages in a
 * turn. Dropped: session, epoch and its tag, credits and their frames, sequence, length and type
 * checks, the window's order of completion, statistics, keep-alive and the domain's turns. What the
 * receiver has is one counter, so that the bench can tell that nothing was lost.
 */
import { ByteArea, AreaCache, copyBytes } from '../../../core/byte-area.js';
import { FrameType, headWord, messageHeaderBytes, sequenceMask } from '../../../core/frame.js';
import { gather } from '../../../core/local-buffer.js';
import type { Link, LinkSink } from '../../../core/transport.js';

const messageHead = headWord(FrameType.Message, 0, 1);

/** What both ends do with the events that are no frames. */
abstract class StrippedEnd implements LinkSink {
  readonly up: Promise<void>;
  #isUp: () => void = ignore;
  #isWritable: () => void = ignore;

  constructor() {
    this.up = new Promise((resolve) => (this.#isUp = resolve));
  }

  abstract frame(bytes: Uint8Array, offset: number, byteLength: number): void;

  linkUp(): void {
    this.#isUp();
  }

  linkDown(): void {
    // The bench closes both ends at once.
  }

  writable(): void {
    this.#isWritable();
  }

  closed(): void {
    // Nothing is held.
  }

  /** Settles when a refused claim may be tried again. */
  whenWritable(): Promise<void> {
    return new Promise((resolve) => (this.#isWritable = resolve));
  }
}

export class StrippedSender extends StrippedEnd {
  /** Called with the number that the far end answered. */
  onAnswer: (count: number) => void = ignore;
  #link: Link | undefined = undefined;
  #area = new ByteArea(new Uint8Array(0));
  #sequence = 0;

  attach(link: Link): void {
    this.#link = link;
    this.#area = new ByteArea(link.claimBytes);
  }

  /** HOT: false if the link has no room. */
  send(body: Uint8Array): boolean {
    const link = this.#link;
    if (link === undefined) return false;
    const offset = link.claim(body.length + messageHeaderBytes);
    if (offset < 0) return false;
    this.#sequence = (this.#sequence + 1) & sequenceMask;
    this.#area.setWord(offset, messageHead);
    this.#area.setWord(offset + 4, this.#sequence);
    gather(body, this.#area.bytes, offset + messageHeaderBytes);
    link.commit();
    return true;
  }

  frame(bytes: Uint8Array, offset: number): void {
    this.onAnswer(new ByteArea(bytes).view.getFloat64(offset + messageHeaderBytes, true));
  }
}

export class StrippedReceiver extends StrippedEnd {
  readonly #areas = new AreaCache();
  readonly #pool: ByteArea;
  readonly #stride: number;
  readonly #slots: number;
  #slot = 0;
  #received = 0;
  /** HOT: the handler; it may look at the bytes until the slot's next turn. */
  readonly #handle: (bytes: Uint8Array, offset: number, byteLength: number) => void;

  constructor(slots: number, itemBytesMax: number) {
    super();
    this.#stride = (itemBytesMax + 7) & ~7;
    this.#slots = slots;
    this.#pool = ByteArea.allocate(slots * this.#stride);
    this.#handle = () => {
      this.#received += 1;
    };
  }

  get received(): number {
    return this.#received;
  }

  /** HOT */
  frame(bytes: Uint8Array, offset: number, byteLength: number): void {
    const bodyBytes = byteLength - messageHeaderBytes;
    const target = this.#slot * this.#stride;
    const source = this.#areas.areaOf(bytes);
    copyBytes(source, offset + messageHeaderBytes, this.#pool, target, bodyBytes);
    this.#slot = this.#slot + 1 === this.#slots ? 0 : this.#slot + 1;
    this.#handle(this.#pool.bytes, target, bodyBytes);
  }
}

function ignore(): void {
  // Nobody waits.
}
