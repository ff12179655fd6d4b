/**
 * Window: flow control for peers that have none of their own. The sender keeps at most `itemsMax`
 * on the way; the far end gives them back in batches.
 */
import { countWithin } from './workload.js';

export class Window {
  readonly #itemsMax: number;
  #onTheWay = 0;
  #resume: () => void = ignore;

  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax;
  }

  /** True if one more may be sent, which is then on the way. */
  take(): boolean {
    if (this.#onTheWay >= this.#itemsMax) return false;
    this.#onTheWay += 1;
    return true;
  }

  returned(items: number): void {
    this.#onTheWay -= items;
    this.#resume();
  }

  /** Settles when some have come back. */
  async whenReturned(): Promise<void> {
    await new Promise<void>((resolve) => (this.#resume = resolve));
    this.#resume = ignore;
  }

  async whenEmpty(): Promise<void> {
    while (this.#onTheWay > 0) await this.whenReturned();
  }
}

/** Items on the way at most, and given back at once: small ones by the thousand, large ones not. */
export function windowFor(itemBytes: number): { itemsMax: number; batch: number } {
  const itemsMax = countWithin(16 * 1024 * 1024, itemBytes, 16, 4096);
  return { itemsMax, batch: itemsMax / 8 };
}

function ignore(): void {
  // Nobody waits.
}
