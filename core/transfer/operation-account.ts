/**
 * Account: where each byte of an operation is. It is done, in flight, in doubt, or to be sent, and
 * never two of these; a piece that settles moves its bytes from the second to one of the others.
 *
 *   done      transferred, by the owner's own word
 *   in doubt  of a Write whose way died: perhaps transferred, and perhaps it will be
 *   to send   never sent, or surely not transferred
 */

interface Stretch {
  from: number;
  readonly end: number;
}

export class Account {
  readonly byteLength: number;
  #doneBytes = 0;
  /** Up to here the bytes were sent at least once. */
  #sentThrough = 0;
  #again: Stretch[] | undefined = undefined;
  #doubts: Stretch[] | undefined = undefined;

  constructor(byteLength: number) {
    this.byteLength = byteLength;
  }

  get doneBytes(): number {
    return this.#doneBytes;
  }

  /** HOT */
  get isDone(): boolean {
    return this.#doneBytes === this.byteLength;
  }

  /** HOT: where the next piece begins; those that have to be sent again go first. */
  get nextFrom(): number {
    const stretch = this.#again?.at(-1);
    return stretch === undefined ? this.#sentThrough : stretch.from;
  }

  /** HOT: the most bytes that the next piece can have; 0 if nothing is to be sent. */
  get nextBytes(): number {
    const stretch = this.#again?.at(-1);
    if (stretch !== undefined) return stretch.end - stretch.from;
    return this.byteLength - this.#sentThrough;
  }

  /** HOT: the next piece is in flight. True if its bytes were sent before. */
  send(byteLength: number): boolean {
    const stretch = this.#again?.at(-1);
    if (stretch === undefined) {
      this.#sentThrough += byteLength;
      return false;
    }
    stretch.from += byteLength;
    if (stretch.from === stretch.end) this.#again?.pop();
    if (this.#again?.length === 0) this.#again = undefined;
    return true;
  }

  /** HOT: a piece is done. */
  finish(byteLength: number): void {
    this.#doneBytes += byteLength;
  }

  /** All is done without pieces, whatever was done before. */
  finishAll(): void {
    this.#doneBytes = this.byteLength;
  }

  /** A piece was not done, and will not be. */
  returnToSend(from: number, byteLength: number): void {
    this.#again ??= [];
    this.#again.push({ from, end: from + byteLength });
  }

  doubt(from: number, byteLength: number): void {
    this.#doubts ??= [];
    this.#doubts.push({ from, end: from + byteLength });
  }

  get hasDoubts(): boolean {
    return this.#doubts !== undefined;
  }

  /** The stretch that holds all that is in doubt. */
  get doubtful(): { readonly from: number; readonly end: number } {
    let from = this.byteLength;
    let end = 0;
    for (const stretch of this.#doubts ?? []) {
      from = Math.min(from, stretch.from);
      end = Math.max(end, stretch.end);
    }
    return { from, end };
  }

  /** What was in doubt cannot land any more: it is to be sent. */
  clearDoubts(): void {
    const doubts = this.#doubts ?? [];
    this.#doubts = undefined;
    for (const { from, end } of doubts) this.returnToSend(from, end - from);
  }
}
