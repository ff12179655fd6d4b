/**
 * Evidence: what the initiator of one epoch can know of its requests, gathered from the frames that
 * it committed and those that were handed to it. From that follows what it has to tell its client
 * (V4): an outcome is wrong if it claims more, and too lazy if it claims less.
 */
import { ByteArea } from '../../core/byte-area.js';
import type { Execution } from '../../core/index.js';
import { errorTable } from '../../core/errors.js';
import {
  flagsOf,
  FlushOutcome,
  fragmentAbort,
  fragmentFirst,
  fragmentHeaderBytes,
  fragmentOfReply,
  FrameType,
  replyIsError,
  typeOf,
} from '../../core/frame.js';

export class Evidence {
  readonly epoch: number;
  /** The last request of which a part was committed, and the last that was committed whole. */
  #started = 0;
  #whole = 0;
  /** Requests that were taken back in the middle. */
  readonly #aborted = new Set<number>();
  readonly #ordinalOf = new Map<number, number>();
  /** What came back, by request. */
  readonly #answers = new Map<number, Execution>();
  #goodbye: number | undefined = undefined;
  #handledAtLeast = 0;
  /** The reply that arrives in fragments. */
  #partialReply: { readonly ticket: number; readonly flags: number; readonly code: number } = {
    ticket: -1,
    flags: 0,
    code: 0,
  };

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  /** The last request that a handler of the peer is known to have been given. */
  get handledAtLeast(): number {
    return Math.max(this.#handledAtLeast, this.#goodbye ?? 0);
  }

  /** This request and all above it are known never to have been given to a handler. */
  get neverFrom(): number {
    let first = this.#started + 1;
    while (first > 1 && this.classOf(first - 1) === 'never') first -= 1;
    return first;
  }

  /** The least that has to be said of a request, and the most that may be. */
  classOf(ordinal: number): Execution {
    const answer = this.#answers.get(ordinal);
    if (answer !== undefined) return answer;
    if (ordinal > this.#whole || this.#aborted.has(ordinal)) return 'never';
    return this.#goodbye !== undefined && ordinal > this.#goodbye ? 'never' : 'maybe';
  }

  /** The initiator committed a frame; false if it submits something again, or out of order (V6). */
  committed(bytes: Uint8Array): boolean {
    const area = new ByteArea(bytes);
    switch (typeOf(area.getWord(0))) {
      case FrameType.Message:
      case FrameType.Request:
        return this.#start(area, 0) && this.#finish();
      case FrameType.Fragment:
        return this.#fragment(area, bytes.length);
      default:
        return true;
    }
  }

  /** A frame of the peer is handed to the initiator. */
  taken(bytes: Uint8Array): void {
    const area = new ByteArea(bytes);
    const head = area.getWord(0);
    switch (typeOf(head)) {
      case FrameType.Reply:
        this.#answered(area.getWord(4), flagsOf(head), area.getWord(8));
        break;
      case FrameType.Fragment:
        if ((flagsOf(head) & fragmentOfReply) !== 0) this.#replyFragment(area, bytes.length);
        break;
      case FrameType.Flushed:
        this.#flushed(area.getWord(4), flagsOf(head));
        break;
      case FrameType.Goodbye:
        this.#goodbye = area.getWord(4);
        break;
      default:
        break;
    }
  }

  /** A request begins: its own header lies at `offset`. */
  #start(area: ByteArea, offset: number): boolean {
    const ordinal = area.getWord(offset + 4);
    if (typeOf(area.getWord(offset)) === FrameType.Request) {
      this.#ordinalOf.set(area.getWord(offset + 8), ordinal);
    }
    this.#started += 1;
    return ordinal === this.#started;
  }

  #finish(): boolean {
    this.#whole = this.#started;
    return true;
  }

  #fragment(area: ByteArea, byteLength: number): boolean {
    const flags = flagsOf(area.getWord(0));
    if ((flags & fragmentOfReply) !== 0) return true;
    if ((flags & fragmentAbort) !== 0) {
      this.#aborted.add(this.#started);
      return true;
    }
    const isRight = (flags & fragmentFirst) === 0 || this.#start(area, fragmentHeaderBytes);
    const sentBytes = area.getWord(8) + byteLength - fragmentHeaderBytes;
    return sentBytes < area.getWord(4) ? isRight : this.#finish() && isRight;
  }

  #replyFragment(area: ByteArea, byteLength: number): void {
    if ((flagsOf(area.getWord(0)) & fragmentFirst) !== 0) {
      const inner = fragmentHeaderBytes;
      const flags = flagsOf(area.getWord(inner));
      const [ticket, code] = [area.getWord(inner + 4), area.getWord(inner + 8)];
      this.#partialReply = { ticket, flags, code };
    }
    const takenBytes = area.getWord(8) + byteLength - fragmentHeaderBytes;
    const { ticket, flags, code } = this.#partialReply;
    if (takenBytes >= area.getWord(4)) this.#answered(ticket, flags, code);
  }

  #answered(ticket: number, flags: number, code: number): void {
    const ordinal = this.#ordinalOf.get(ticket) ?? 0;
    const isRefused = (flags & replyIsError) !== 0 && code !== errorTable.TOO_LARGE.wire;
    this.#answers.set(ordinal, isRefused ? 'never' : 'done');
    this.#handledAtLeast = Math.max(this.#handledAtLeast, ordinal);
  }

  #flushed(ticket: number, outcome: number): void {
    const ordinal = this.#ordinalOf.get(ticket) ?? 0;
    if (outcome === FlushOutcome.NeverStarted) this.#answers.set(ordinal, 'never');
    else this.#handledAtLeast = Math.max(this.#handledAtLeast, ordinal);
  }
}
