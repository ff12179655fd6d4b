/** TransferSlot: the right to one transfer, taken beforehand, so that it cannot fail as QUOTA. */
import { assert } from '../assert.js';

export interface SlotKeeper {
  slotReleased(): void;
}

export class TransferSlot {
  readonly #keeper: SlotKeeper;
  #isHeld = true;

  /** @internal Use `Domain.acquireTransfer`. */
  constructor(keeper: SlotKeeper) {
    this.#keeper = keeper;
  }

  /** True until a transfer uses it or it is released. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Gives it back unused. Idempotent, and without effect once a transfer has used it. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#keeper.slotReleased();
  }

  /** @internal A transfer of `keeper` uses it. */
  take(keeper: SlotKeeper): void {
    assert(this.#keeper === keeper, 'a slot is of the same domain', 'BAD_ARGUMENT');
    assert(this.#isHeld, 'a slot is used once', 'BAD_ARGUMENT');
    this.#isHeld = false;
  }
}
