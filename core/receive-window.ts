/**
 * ReceiveWindow: the message slots that this side grants to its peer, and the credits that it owes.
 *
 * Messages are handed over in order and completed in any order. A credit tells the peer how many
 * were completed, and through which one all of them were, so that "flushed" is exact there.
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
  /** One mark per ordinal modulo its length: completed, but not yet without a gap. */
  readonly #marks: Uint8Array;
  #ordinal = 0;
  #completedThrough = 0;
  #owedCount = 0;

  constructor(owner: MessageOwner, quota: Quota) {
    const stride = (quota.messageBytes + 7) & ~7;
    this.#pool = ByteArea.allocate(quota.messages * stride);
    this.#free = new Int32Array(quota.messages);
    this.#marks = new Uint8Array(powerOfTwoFrom(quota.messages));
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

  /** All messages through this ordinal are completed. */
  get completedThrough(): number {
    return this.#completedThrough;
  }

  /** Opens an epoch in which `count` messages may be uncompleted at one time. */
  open(count: number): void {
    this.#grantedCount = count;
    this.#freeCount = count;
    for (let index = 0; index < count; index++) this.#free[index] = count - 1 - index;
    this.#marks.fill(0);
    this.#ordinal = 0;
    this.#completedThrough = 0;
    this.#owedCount = 0;
  }

  /** HOT: a slot for the next message, or undefined if the peer has no credit left. */
  take(): ReceivedMessage | undefined {
    if (this.#freeCount === 0) return undefined;
    return this.#messages[this.#free[--this.#freeCount] ?? 0];
  }

  /** HOT: the message in the slot is whole. */
  begin(message: ReceivedMessage, sequence: number, byteLength: number): void {
    this.#ordinal = (this.#ordinal + 1) & sequenceMask;
    message.begin(sequence, this.#ordinal, byteLength);
  }

  /** HOT: the client completed the message. */
  complete(message: ReceivedMessage): void {
    this.#free[this.#freeCount++] = message.slot;
    this.#owedCount++;
    const mask = this.#marks.length - 1;
    this.#marks[message.ordinal & mask] = 1;
    let next = (this.#completedThrough + 1) & sequenceMask;
    while (this.#marks[next & mask] === 1) {
      this.#marks[next & mask] = 0;
      this.#completedThrough = next;
      next = (next + 1) & sequenceMask;
    }
  }

  /** The peer was told of everything owed. */
  settleOwed(): void {
    this.#owedCount = 0;
  }
}

function powerOfTwoFrom(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, count)));
}
