/**
 * RemoteBufferView: a part of the memory that another domain lends to this one, to be filled where
 * it is instead of by a copy (B9).
 *
 * It keeps what is mapped here mapped, so that whoever fills it may take its time, and does so on a
 * thread of the pool. It keeps nothing from its owner: what is stored once the memory was taken
 * back goes to pages that nobody else looks at, and `close` tells that it did.
 */
import { assert } from '../assert.js';
import type { Mapping, Mappings } from './operation-mappings.js';

export class RemoteBufferView {
  /**
   * To be stored to, until `close`. Who reads it reads what its owner lets it read: zeros, for one
   * thing, after a revocation.
   */
  readonly bytes: Uint8Array;
  readonly #mappings: Mappings;
  readonly #mapping: Mapping;
  #isClosed = false;

  /** @internal Use `Domain.viewRemoteBuffer`. */
  constructor(mappings: Mappings, mapping: Mapping, bytes: Uint8Array) {
    this.#mappings = mappings;
    this.#mapping = mapping;
    this.bytes = bytes;
  }

  /**
   * Nothing is stored any more. True if the owner has all that was; false if it took the memory
   * back meanwhile, when it may have any part of it. Exactly once.
   */
  close(): boolean {
    assert(!this.#isClosed, 'a view is closed once', 'BAD_ARGUMENT');
    this.#isClosed = true;
    return this.#mappings.closeView(this.#mapping);
  }
}
