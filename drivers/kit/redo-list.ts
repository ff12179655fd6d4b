/**
 * RedoList: what a back end that was killed had begun and not answered, in the order of beginning.
 *
 * It is done again in that order, each when its front end submits it again; everything else is held
 * until the list is empty, so that nothing newer comes in between and is undone. What will not come
 * again is dropped: its front end says so, or is away for as long as the grace lasts.
 */
import type { Scheduler, Timer } from 'idc';

export interface RedoItem {
  readonly frontEnd: string;
  readonly sequence: number;
}

export interface RedoSettings<Item> {
  readonly items: readonly Item[];
  /** How long each is waited for, from now and from every time that its front end is lost. */
  readonly graceMs: number;
  readonly scheduler: Scheduler;
  readonly onDropped: (item: Item) => void;
}

interface Held {
  readonly run: () => void;
  readonly signal: AbortSignal;
}

export class RedoList<Item extends RedoItem> {
  readonly #settings: RedoSettings<Item>;
  readonly #items: Item[];
  /** Those that were not submitted again yet, and until when they are waited for. */
  readonly #expected = new Map<Item, Timer>();
  /** Those that were submitted again, and what executes them. */
  readonly #submitted = new Map<Item, () => void>();
  #held: Held[] = [];
  #running: Item | undefined = undefined;

  constructor(settings: RedoSettings<Item>) {
    this.#settings = settings;
    this.#items = [...settings.items];
    for (const item of this.#items) this.#expect(item);
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** `item` was submitted again: `run` is called in its turn, unless its epoch ends before. */
  submit(item: Item, signal: AbortSignal, run: () => void, forget: () => void): void {
    this.#expectNoMore(item);
    this.#submitted.set(item, run);
    signal.addEventListener('abort', () => {
      if (this.#running === item || this.#submitted.get(item) !== run) return;
      this.#submitted.delete(item);
      this.#expect(item);
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

  /** These do not come again: those that match and are not submitted. */
  drop(isGone: (item: Item) => boolean): void {
    if (this.isEmpty) return;
    const gone = this.#items.filter((item) => !this.#submitted.has(item) && isGone(item));
    for (const item of gone) {
      this.#expectNoMore(item);
      this.#items.splice(this.#items.indexOf(item), 1);
      this.#settings.onDropped(item);
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

  /** Waits for nobody any more. */
  close(): void {
    for (const item of [...this.#expected.keys()]) this.#expectNoMore(item);
  }

  #expect(item: Item): void {
    const { scheduler, graceMs } = this.#settings;
    const timer = scheduler.after(graceMs, () => {
      this.drop((other) => other === item);
    });
    this.#expected.set(item, timer);
  }

  #expectNoMore(item: Item): void {
    this.#expected.get(item)?.cancel();
    this.#expected.delete(item);
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
