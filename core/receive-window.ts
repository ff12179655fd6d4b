/**
 * ReceiveWindow: the message slots that this side grants to its peer, and the credits that it owes.
 *
 * Messages are handed over in order and completed in any order. A credit tells the peer how many
 * were completed since the epoch began, and through which one all of them were, so that "flushed"
 * is exact there; a count since the beginning cannot be believed twice, as a difference could.
 */
import { ByteArea } from './byte-area.js';
import { sequenceMask } from './frame.js';
import { ReceivedMessage, type MessageOwner } from './message.js';
import type { Quota } from './quota.js';

export class ReceiveWindow {
  readonly #messages: ReceivedMessage[] = [];
  readonly #pool: ByteArea;
  readonly #free: Int32Array;
  #freeCount = 0;
  #grantedCount = 0;
  /**
   * The uncompleted messages' slots as a ring in order of ordinals, so that the oldest is found at
   * once, however far the others have gone on. The last index is the ring's head.
   */
  readonly #previous: Int32Array;
  readonly #next: Int32Array;
  readonly #head: number = 0;
  #ordinal = 0;
  #owedCount = 0;
  /** Completed messages that the peer has been told of. */
  #toldCount = 0;

  constructor(owner: MessageOwner, quota: Quota) {
    const stride = (quota.messageBytes + 7) & ~7;
    this.#pool = ByteArea.allocate(quota.messages * stride);
    this.#free = new Int32Array(quota.messages);
    this.#head = quota.messages;
    this.#previous = new Int32Array(quota.messages + 1);
    this.#next = new Int32Array(quota.messages + 1);
    for (let slot = 0; slot < quota.messages; slot++) {
      this.#messages.push(new ReceivedMessage(owner, this.#pool.bytes, slot * stride, slot));
    }
  }

  /** Where bodies are put. */
  get pool(): ByteArea {
    return this.#pool;
  }

  /** Messages that the client has not completed. */
  get openCount(): number {
    return this.#grantedCount - this.#freeCount;
  }

  /** Completed messages that the peer has not been told of. */
  get owedCount(): number {
    return this.#owedCount;
  }

  /** Messages completed since the epoch began, modulo 2^31. */
  get completedCount(): number {
    return (this.#toldCount + this.#owedCount) & sequenceMask;
  }

  /** All messages through this ordinal are completed. */
  get completedThrough(): number {
    const oldest = this.#messages[this.#next[this.#head] ?? 0];
    return oldest === undefined ? this.#ordinal : (oldest.ordinal - 1) & sequenceMask;
  }

  /** Opens an epoch in which `count` messages may be uncompleted at one time. */
  open(count: number): void {
    this.#grantedCount = count;
    this.#freeCount = count;
    for (let index = 0; index < count; index++) this.#free[index] = count - 1 - index;
    this.#previous[this.#head] = this.#head;
    this.#next[this.#head] = this.#head;
    this.#ordinal = 0;
    this.#owedCount = 0;
    this.#toldCount = 0;
  }

  /** HOT: a slot for the next message, or undefined if the peer has no credit left. */
  take(): ReceivedMessage | undefined {
    if (this.#freeCount === 0) return undefined;
    return this.#messages[this.#free[--this.#freeCount] ?? 0];
  }

  /** The message in the slot that `take` answered never became whole. */
  giveBack(message: ReceivedMessage): void {
    this.#free[this.#freeCount++] = message.slot;
  }

  /** HOT: the message in the slot is whole. */
  begin(message: ReceivedMessage, sequence: number, byteLength: number): void {
    this.#ordinal = (this.#ordinal + 1) & sequenceMask;
    const last = this.#previous[this.#head] ?? 0;
    this.#link(last, message.slot);
    this.#link(message.slot, this.#head);
    message.begin(sequence, this.#ordinal, byteLength);
  }

  /** HOT: the client completed the message. */
  complete(message: ReceivedMessage): void {
    this.#free[this.#freeCount++] = message.slot;
    this.#owedCount++;
    this.#link(this.#previous[message.slot] ?? 0, this.#next[message.slot] ?? 0);
  }

  /** The peer was told of everything owed. */
  settleOwed(): void {
    this.#toldCount = this.completedCount;
    this.#owedCount = 0;
  }

  #link(previous: number, next: number): void {
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }
}
