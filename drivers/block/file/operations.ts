/**
 * Operations: counts what is outstanding, so that a change of the whole file can wait for all that
 * began before it without being held up by what begins later.
 */
import { assert } from 'idc/contract';

/** Ends one operation; called exactly once. */
export type Leave = () => void;

class Group {
  count = 0;
  /** Set once nothing can join any more. */
  emptied: (() => void) | undefined = undefined;

  readonly leave: Leave = () => {
    this.count -= 1;
    assert(this.count >= 0, 'an operation ends once');
    if (this.count === 0) this.emptied?.();
  };
}

export class Operations {
  #current = new Group();

  // HOT:
  join(): Leave {
    this.#current.count += 1;
    return this.#current.leave;
  }

  /** Resolves when all that joined before has left. */
  settled(): Promise<void> {
    const group = this.#current;
    this.#current = new Group();
    if (group.count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      group.emptied = resolve;
    });
  }
}
