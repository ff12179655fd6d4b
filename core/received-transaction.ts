/**
 * ReceivedTransaction: one request of the peer, lent to the client until it answers it.
 *
 * The parameters are a private snapshot in the slot's own memory. `complete` is legal, and
 * required, after the epoch ended: it is the client's drain, and sends nothing then.
 */
import type { Bytes } from './api.js';
import { assert } from './assert.js';
import type { Endpoint } from './endpoint.js';

/** What a received transaction tells the responder that lent it. */
export interface ReceivedTransactionOwner {
  readonly endpoint: Endpoint;
  /** The most status bytes that the initiator takes in this epoch. */
  readonly statusBytesMax: number;
  transactionCompleted(transaction: ReceivedTransaction, status: Bytes, code: number): void;
}

const noStatus = new Uint8Array(0);

export class ReceivedTransaction {
  /** Holds the parameters at `offset`; shared with other slots, so keep inside. */
  readonly bytes: Uint8Array;
  readonly offset: number = 0;
  /** @internal Index of the slot. */
  readonly slot: number = 0;
  readonly #owner: ReceivedTransactionOwner;
  #byteLength = 0;
  #ticket = 0;
  #isOpen = false;
  #isFlushed = false;
  #parameters: Uint8Array | undefined = undefined;
  #abort: AbortController | undefined = undefined;

  /** @internal */
  constructor(owner: ReceivedTransactionOwner, bytes: Uint8Array, offset: number, slot: number) {
    this.#owner = owner;
    this.bytes = bytes;
    this.offset = offset;
    this.slot = slot;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  get endpoint(): Endpoint {
    return this.#owner.endpoint;
  }

  /** The most status bytes that `complete` may give; more ends as TOO_LARGE over there. */
  get statusBytesMax(): number {
    return this.#owner.statusBytesMax;
  }

  /** The parameters as a view of its own, made on first use; valid until `complete()`. */
  get parameters(): Uint8Array {
    assert(this.#isOpen, 'the transaction was completed', 'COMPLETED_TWICE');
    this.#parameters ??= this.bytes.subarray(this.offset, this.offset + this.#byteLength);
    return this.#parameters;
  }

  /**
   * Fires when the initiator gave up or the epoch ended: an answer is of no use to anybody then,
   * but `complete` is still owed.
   */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#isFlushed) this.#abort.abort();
    return this.#abort.signal;
  }

  /**
   * HOT: answers with status bytes (copied before this returns) and a code: 0 is success, another
   * one reaches the initiator as `REMOTE` with `remoteCode`. Exactly once.
   */
  complete(status: Bytes = noStatus, code = 0): void {
    assert(this.#isOpen, 'a transaction is completed once', 'COMPLETED_TWICE');
    assert(code === (code | 0), 'a code is a 32-bit integer', 'BAD_ARGUMENT');
    this.#isOpen = false;
    this.#owner.transactionCompleted(this, status, code);
    this.#parameters = undefined;
    this.#abort = undefined;
  }

  /** @internal True until `complete()`. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @internal True if the initiator was told that no answer will come. */
  get isFlushed(): boolean {
    return this.#isFlushed;
  }

  /** @internal */
  get ticket(): number {
    return this.#ticket;
  }

  /** @internal HOT: the responder fills the slot. */
  begin(ticket: number, byteLength: number): void {
    this.#ticket = ticket;
    this.#byteLength = byteLength;
    this.#isOpen = true;
    this.#isFlushed = false;
    // `signal` may have been asked for after the last `complete`.
    this.#abort = undefined;
  }

  /** @internal Nobody listened: the responder answers in the client's place. */
  dismiss(): void {
    this.#isOpen = false;
  }

  /** @internal The initiator gave up, or the epoch is over. */
  flush(): void {
    this.#isFlushed = true;
    this.#abort?.abort();
  }
}
