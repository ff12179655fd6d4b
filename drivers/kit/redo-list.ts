/**
 * RedoList: what a back end that was killed had begun and not answered, in the order of beginning.
 *
 * It is done again in that order, each when its front end submits it again; everything else is held
 * until the list is empty, so that nothing newer comes in between and is undone. What will not come
 * again is dropped: its front end says so, or does not return in time.
 */
export interface RedoItem {
  readonly frontEnd: string;
  readonly sequence: number;
}

interface Held {
  readonly run: () => void;
  readonly signal: AbortSignal;
}

export class RedoList<Item extends RedoItem> {
  readonly #items: Item[];
  /** Those that were submitted again, and what executes them. */
  readonly #submitted = new Map<Item, () => void>();
  readonly #onDropped: (item: Item) => void;
  #held: Held[] = [];
  #running: Item | undefined = undefined;

  constructor(items: readonly Item[], onDropped: (item: Item) => void) {
    this.#items = [...items];
    this.#onDropped = onDropped;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** `item` was submitted again: `run` is called in its turn, unless its epoch ends before. */
  submit(item: Item, signal: AbortSignal, run: () => void, forget: () => void): void {
    this.#submitted.set(item, run);
    signal.addEventListener('abort', () => {
      if (this.#running === item || this.#submitted.get(item) !== run) return;
      this.#submitted.delete(item);
      forget();
    });
    this.#advance();
  }

  /** It was executed. */
  finish(item: Item): void {
    if (this.#running !== item) return;
    this.#running = undefined;
    this.#submitted.delete(item);
    this.#items.shift();
    this.#advance();
  }

  /** These do not come again: those of one front end below a sequence, or not yet submitted. */
  drop(isGone: (item: Item) => boolean): void {
    const gone = this.#items.filter((item) => !this.#submitted.has(item) && isGone(item));
    for (const item of gone) {
      this.#items.splice(this.#items.indexOf(item), 1);
      this.#onDropped(item);
    }
    this.#advance();
  }

  /** `run` is called once the list is empty; `forget`, if the epoch ends before. */
  hold(signal: AbortSignal, run: () => void, forget: () => void): void {
    const held = { run, signal };
    this.#held.push(held);
    signal.addEventListener('abort', () => {
      if (!this.#held.includes(held)) return;
      this.#held = this.#held.filter((other) => other !== held);
      forget();
    });
  }

  #advance(): void {
    const [first] = this.#items;
    if (first === undefined) {
      for (const { run } of this.#held.splice(0)) run();
      return;
    }
    const run = this.#submitted.get(first);
    if (run === undefined || this.#running !== undefined) return;
    this.#running = first;
    run();
  }
}
