/**
 * ReplyQueue: what the responder owes and the link did not take yet, in order.
 *
 * Its space is reserved with the endpoint, for everything that a slot can owe at one time, so that
 * answering never waits for a resource (V8). A reply's status is kept in memory of the slot's own.
 */
import { assert } from './assert.js';
import { ByteArea } from './byte-area.js';
import type { Bytes } from './api.js';
import { byteLengthOf, gather } from './local-buffer.js';

export const ReplyKind = { Reply: 0, FlushedStarted: 1, FlushedAnswered: 2, Released: 3 } as const;
export type ReplyKind = (typeof ReplyKind)[keyof typeof ReplyKind];

const kindCount = 4;

export class ReplyQueue {
  readonly #entries: Int32Array;
  #head = 0;
  #count = 0;
  readonly #owedBySlot: Uint8Array;
  readonly #status: ByteArea;
  readonly #stride: number = 0;
  readonly #statusBytes: Int32Array;
  readonly #codes: Int32Array;
  readonly #flags: Uint8Array;

  constructor(slotCount: number, statusBytesMax: number) {
    this.#entries = new Int32Array(slotCount * kindCount);
    this.#owedBySlot = new Uint8Array(slotCount);
    this.#stride = (statusBytesMax + 7) & ~7;
    this.#status = ByteArea.allocate(slotCount * this.#stride);
    this.#statusBytes = new Int32Array(slotCount);
    this.#codes = new Int32Array(slotCount);
    this.#flags = new Uint8Array(slotCount);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  reset(): void {
    this.#head = 0;
    this.#count = 0;
    this.#owedBySlot.fill(0);
  }

  /** True if something of the slot is still owed; a legal peer does not use it again before. */
  isOwed(slot: number): boolean {
    return this.#owedBySlot[slot] !== 0;
  }

  push(kind: ReplyKind, slot: number): void {
    assert(this.#count < this.#entries.length, 'a slot owes each kind once at most');
    const index = (this.#head + this.#count) % this.#entries.length;
    this.#entries[index] = slot * kindCount + kind;
    this.#count++;
    this.#owedBySlot[slot] = (this.#owedBySlot[slot] ?? 0) + 1;
  }

  /** Keeps a reply, and copies its status. */
  pushReply(slot: number, flags: number, code: number, status: Bytes): void {
    gather(status, this.#status.bytes, slot * this.#stride);
    this.#statusBytes[slot] = byteLengthOf(status);
    this.#codes[slot] = code;
    this.#flags[slot] = flags;
    this.push(ReplyKind.Reply, slot);
  }

  /** Kind and slot of the oldest entry. */
  get firstKind(): number {
    return (this.#entries[this.#head] ?? 0) % kindCount;
  }

  get firstSlot(): number {
    return Math.trunc((this.#entries[this.#head] ?? 0) / kindCount);
  }

  shift(): void {
    const slot = this.firstSlot;
    this.#head = (this.#head + 1) % this.#entries.length;
    this.#count--;
    this.#owedBySlot[slot] = (this.#owedBySlot[slot] ?? 1) - 1;
  }

  codeOf(slot: number): number {
    return this.#codes[slot] ?? 0;
  }

  flagsOf(slot: number): number {
    return this.#flags[slot] ?? 0;
  }

  statusOf(slot: number): Uint8Array {
    const start = slot * this.#stride;
    return this.#status.bytes.subarray(start, start + (this.#statusBytes[slot] ?? 0));
  }
}
