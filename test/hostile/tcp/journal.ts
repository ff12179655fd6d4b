/** Journal: what happened, in order, and a way to wait for it that needs no clock. */

export class Journal<T> {
  readonly entries: T[] = [];
  readonly #waiters = new Set<() => void>();

  record(entry: T): void {
    this.entries.push(entry);
    for (const look of [...this.#waiters]) look();
  }

  /** The first entry, at once or later, that `matches`. */
  first<S extends T>(matches: (entry: T) => entry is S): Promise<S>;
  first(matches: (entry: T) => boolean): Promise<T>;
  first(matches: (entry: T) => boolean): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.entries.find(matches);
        if (found === undefined) return;
        this.#waiters.delete(look);
        resolve(found);
      };
      this.#waiters.add(look);
      look();
    });
  }

  /** Resolves once there are `count` entries. */
  async count(count: number): Promise<void> {
    await this.first(() => this.entries.length >= count);
  }
}
