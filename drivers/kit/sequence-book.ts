/** SequenceBook: numbers the calls that change something, and knows the oldest unsettled one. */
export class SequenceBook {
  /** In the order in which they were given, which is ascending. */
  readonly #unsettled = new Set<number>();
  #last = 0;

  /** The next number, from 1 on. */
  take(): number {
    this.#last += 1;
    this.#unsettled.add(this.#last);
    return this.#last;
  }

  settle(sequence: number): void {
    this.#unsettled.delete(sequence);
  }

  /** No lower one will be submitted again. */
  get oldestUnsettled(): number {
    const first = this.#unsettled.values().next();
    return first.done === true ? this.#last + 1 : first.value;
  }
}
