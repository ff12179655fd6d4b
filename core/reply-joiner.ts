/**
 * ReplyJoiner: joins the reply stream's fragments and settles the transaction when one is whole.
 *
 * One reply is joined at a time, so one buffer of the largest agreed status serves an epoch.
 */
import { ByteArea } from './byte-area.js';
import { FragmentJoiner, Joined } from './fragment-joiner.js';
import {
  epochTagOf,
  flagsOf,
  fragmentHeaderBytes,
  FrameType,
  isLegalHead,
  replyHeaderBytes,
  typeOf,
} from './frame.js';
import type { Initiator } from './initiator.js';

export class ReplyJoiner {
  readonly #joiner = new FragmentJoiner();
  #buffer: ByteArea = ByteArea.allocate(0);
  #statusBytesMax = 0;
  #flags = 0;
  #ticket = 0;
  #code = 0;

  /** True between the first and the last fragment of a reply. */
  get isOpen(): boolean {
    return this.#joiner.isOpen;
  }

  /** Reserves what an epoch can need. */
  open(statusBytesMax: number, frameBytesMax: number): void {
    this.#statusBytesMax = statusBytesMax;
    const isNeeded = statusBytesMax + replyHeaderBytes > frameBytesMax;
    this.#buffer = ByteArea.allocate(isNeeded ? statusBytesMax : 0);
  }

  reset(): void {
    this.#joiner.reset();
  }

  /** Takes a fragment whose frame starts at `offset`. False: no legal peer sends this. */
  take(area: ByteArea, offset: number, byteLength: number, initiator: Initiator): boolean {
    switch (this.#joiner.take(area, offset, byteLength)) {
      case Joined.Partial:
        return true;
      case Joined.First:
        return this.#takeFirst(area, offset, byteLength);
      case Joined.Whole:
        return this.#takeWhole(initiator);
      case Joined.Corrupt:
      case Joined.Aborted:
        return false;
    }
  }

  #takeFirst(area: ByteArea, offset: number, byteLength: number): boolean {
    const inner = offset + fragmentHeaderBytes;
    if (byteLength < fragmentHeaderBytes + replyHeaderBytes) return false;
    const head = area.getWord(inner);
    if (!isLegalHead(head, epochTagOf(area.getWord(offset)))) return false;
    const statusBytes = this.#joiner.totalBytes - replyHeaderBytes;
    if (typeOf(head) !== FrameType.Reply || statusBytes > this.#statusBytesMax) return false;
    // A peer that cuts what fits a frame is within its rights, but the buffer may be too small.
    if (statusBytes > this.#buffer.bytes.length) this.#buffer = ByteArea.allocate(statusBytes);
    this.#flags = flagsOf(head);
    this.#ticket = area.getWord(inner + 4);
    this.#code = area.getWord(inner + 8);
    this.#joiner.begin(replyHeaderBytes, this.#buffer, 0, area, offset, byteLength);
    return true;
  }

  #takeWhole(initiator: Initiator): boolean {
    const byteLength = this.#joiner.bodyBytes;
    this.#joiner.reset();
    const bytes = this.#buffer.bytes;
    return initiator.takeWholeReply(this.#flags, this.#ticket, this.#code, bytes, 0, byteLength);
  }
}
