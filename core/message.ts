/**
 * ReceivedMessage: one slot of the receive window, lent to the client until it completes it.
 *
 * The body is a private snapshot: the peer cannot change it any more. The object and its bytes
 * are used again after `complete()`, for another message: whoever touches them later, or completes
 * a second time by then, touches that one. A client that wants to keep them copies them.
 */
import { assert } from './assert.js';
import type { Endpoint } from './endpoint.js';

/** What a received item tells the responder that lent it. */
export interface MessageOwner {
  readonly endpoint: Endpoint;
  messageCompleted(message: ReceivedMessage): void;
}

export class ReceivedMessage {
  /** Holds the body at `offset`; shared with other slots, so keep inside `byteLength`. */
  readonly bytes: Uint8Array;
  readonly offset: number = 0;
  /** @internal Index of the slot. */
  readonly slot: number = 0;
  readonly #owner: MessageOwner;
  #byteLength = 0;
  #sequence = 0;
  #ordinal = 0;
  #isOpen = false;
  #body: Uint8Array | undefined = undefined;

  /** @internal */
  constructor(owner: MessageOwner, bytes: Uint8Array, offset: number, slot: number) {
    this.#owner = owner;
    this.bytes = bytes;
    this.offset = offset;
    this.slot = slot;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** The number that `submitMessage` answered at the peer. */
  get sequence(): number {
    return this.#sequence;
  }

  get endpoint(): Endpoint {
    return this.#owner.endpoint;
  }

  /** The body as a view of its own, made on first use; valid until `complete()`. */
  get body(): Uint8Array {
    assert(this.#isOpen, 'the message was completed', 'COMPLETED_TWICE');
    this.#body ??= this.bytes.subarray(this.offset, this.offset + this.#byteLength);
    return this.#body;
  }

  /** HOT: gives the slot and its credit back. Exactly once, from anywhere, at any later time. */
  complete(): void {
    assert(this.#isOpen, 'a message is completed once', 'COMPLETED_TWICE');
    this.#isOpen = false;
    this.#body = undefined;
    this.#owner.messageCompleted(this);
  }

  /** @internal True until `complete()`. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @internal Position among the messages of the epoch; for the responder. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** @internal HOT: the responder fills the slot. */
  begin(sequence: number, ordinal: number, byteLength: number): void {
    this.#sequence = sequence;
    this.#ordinal = ordinal;
    this.#byteLength = byteLength;
    this.#isOpen = true;
  }
}
