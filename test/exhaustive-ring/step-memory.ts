/**
 * The memory of two sides, in which every load and store of a side is one step.
 *
 * An action of a side runs again from its beginning for each of its steps: accesses that it made
 * already are answered from its log, the next one is made, and the one after that suspends it. So
 * a side can be stopped at any access, and its state is the action's beginning and the log.
 *
 * With `isRelaxed` plain stores wait in a buffer of their side, become visible in any order, and at
 * the latest by that side's next `Atomics.store`: as weak as JavaScript's memory model allows.
 */
import { Control, padHeader, type RingMemory } from '../../transports/ring/ring-layout.js';
import type { StepAtomics } from './load-ring.js';

/** Thrown through the algorithm to stop it; one for all, for it is thrown a million times. */
export const suspended: Error = new Error('suspended');

export class Violation extends Error {}

export interface StoreCounts {
  pads: number;
  wraps: number;
}

/** The words of a control page that exist here, in the order of their cells. */
const controlWords = [
  Control.Produced,
  Control.Consumed,
  Control.Sleep,
  Control.Ended,
  Control.Rung,
] as const;
const produced = 0;
const consumed = 1;
const sleep = 2;
const rung = 4;
const controlCells = controlWords.length;

interface View {
  readonly side: number;
  /** Cell of an index of this view; -1 if there is none. */
  cellOf(index: number): number;
}

export class StepMemory {
  readonly ringBytes: number;
  readonly sideCells: number;
  readonly atomics: StepAtomics;
  readonly counts: StoreCounts = { pads: 0, wraps: 0 };
  cells: Int32Array;
  /** For each side, cell and value of each plain store that is not visible yet. */
  buffers: [number[], number[]] = [[], []];
  /** What the running action loaded, 0 for its stores. */
  log: number[] = [];
  /** The peer's sleep word as the running action loaded it last. */
  sleepWordSeen = 0;
  readonly #isRelaxed: boolean;
  readonly #views = new Map<object, View>();
  #actor = 0;
  #cursor = 0;
  #isStepMade = false;

  constructor(ringBytes: number, isRelaxed: boolean) {
    this.ringBytes = ringBytes;
    this.sideCells = controlCells + ringBytes / 4;
    this.cells = new Int32Array(2 * this.sideCells);
    this.#isRelaxed = isRelaxed;
    this.atomics = {
      load: (view, index) => this.#load(this.#cellOf(view, index), true),
      store: (view, index, value) => this.#store(this.#cellOf(view, index), value, true),
    };
  }

  /** Both sides begin at this position in their own ring and in the peer's. */
  setStart(position: number): void {
    for (const side of [0, 1]) {
      this.cells[side * this.sideCells + produced] = position;
      this.cells[side * this.sideCells + consumed] = position;
    }
  }

  /** The views of one side's memory that the algorithm is given. */
  view(side: number): RingMemory {
    const base = side * this.sideCells;
    const control = this.#wordsView(side, 0, (index) => {
      const place = controlWords.findIndex((word) => word === index);
      return place < 0 ? -1 : base + place;
    });
    const ringWords = this.ringBytes / 4;
    const words = this.#wordsView(side, ringWords, (index) =>
      index >= 0 && index < ringWords ? base + controlCells + index : -1,
    );
    // The algorithm uses no more of them than indices and `length`.
    return { control, words, bytes: new Uint8Array(this.ringBytes) };
  }

  /** The next accesses are those of an action of `actor`, which made those in `log` already. */
  begin(actor: number, log: number[]): void {
    this.#actor = actor;
    this.log = log;
    this.#cursor = 0;
    this.#isStepMade = false;
    this.sleepWordSeen = 0;
  }

  producedOf(side: number): number {
    return this.#cell(side * this.sideCells + produced);
  }

  consumedOf(side: number): number {
    return this.#cell(side * this.sideCells + consumed);
  }

  /** The side's note of the doorbell that it rang last. */
  forgetRung(side: number): void {
    this.cells[side * this.sideCells + rung] = 0;
  }

  /** One waiting plain store becomes visible; false if an earlier one of the same cell waits. */
  drain(side: 0 | 1, entry: number): boolean {
    const buffer = this.buffers[side];
    for (let index = 0; index < entry; index += 2) {
      if (buffer[index] === buffer[entry]) return false;
    }
    const [cell = 0, value = 0] = buffer.splice(entry, 2);
    this.cells[cell] = value;
    return true;
  }

  #wordsView(side: number, length: number, cellOf: (index: number) => number): Int32Array {
    const view: View = { side, cellOf };
    const cellOfName = new Map<string | symbol, number>();
    for (let index = 0; index < 256; index++) {
      if (cellOf(index) >= 0) cellOfName.set(String(index), cellOf(index));
    }
    const proxy = new Proxy(new Int32Array(0), {
      get: (_target, name) => {
        if (name === 'length') return length;
        return this.#load(cellOfName.get(name) ?? -1, false);
      },
      set: (_target, name, value: number) => {
        this.#store(cellOfName.get(name) ?? -1, value, false);
        return true;
      },
    });
    this.#views.set(proxy, view);
    return proxy;
  }

  #cellOf(view: object, index: number): number {
    return this.#views.get(view)?.cellOf(index) ?? -1;
  }

  #cell(cell: number): number {
    const value = this.cells[cell];
    if (value === undefined) throw new Violation('an access beyond the memory');
    return value;
  }

  /** True if the access is to be made, false if the log answers it. */
  #isNew(cell: number): boolean {
    if (this.#cursor < this.log.length) return false;
    // A side's own note, which the peer never reads: no step, for it commutes with all others.
    if (cell % this.sideCells === rung) {
      if (this.#ownerOf(cell) !== this.#actor) throw new Violation('a private word is read');
      return true;
    }
    if (this.#isStepMade) throw suspended;
    this.#isStepMade = true;
    return true;
  }

  #load(cell: number, isAtomic: boolean): number {
    if (this.#isNew(cell)) this.log.push(this.#read(cell, isAtomic));
    const value = this.log[this.#cursor++] ?? 0;
    if (cell % this.sideCells === sleep) this.sleepWordSeen = value;
    return value;
  }

  #read(cell: number, isAtomic: boolean): number {
    if (isAtomic !== this.#isAtomicCell(cell)) throw new Violation('plain and atomic are mixed');
    const owner = this.#ownerOf(cell);
    if (!isAtomic && owner !== this.#actor && !this.#isLive(cell)) {
      throw new Violation('unpublished or released bytes are read');
    }
    const buffer = this.buffers[this.#actor === 0 ? 0 : 1];
    for (let index = buffer.length - 2; index >= 0; index -= 2) {
      if (buffer[index] === cell) return buffer[index + 1] ?? 0;
    }
    return this.#cell(cell);
  }

  #store(cell: number, value: number, isAtomic: boolean): number {
    if (this.#isNew(cell)) {
      this.#write(cell, value, isAtomic);
      this.log.push(0);
    }
    this.#cursor++;
    return value;
  }

  #write(cell: number, value: number, isAtomic: boolean): void {
    if (isAtomic !== this.#isAtomicCell(cell)) throw new Violation('plain and atomic are mixed');
    if (this.#ownerOf(cell) !== this.#actor) throw new Violation("the peer's memory is written");
    const place = cell % this.sideCells;
    if (place >= controlCells && this.#isLive(cell)) {
      throw new Violation('unconsumed bytes are overwritten');
    }
    if (place === produced && this.#cell(cell) < 0 && value >= 0) this.counts.wraps++;
    if (place >= controlCells && value === padHeader) this.counts.pads++;
    const buffer = this.buffers[this.#actor === 0 ? 0 : 1];
    if (this.#isRelaxed && !isAtomic && place !== rung) {
      buffer.push(cell, value);
      return;
    }
    if (isAtomic) while (buffer.length > 0) this.drain(this.#actor === 0 ? 0 : 1, 0);
    this.cells[cell] = value;
  }

  #ownerOf(cell: number): number {
    return cell < this.sideCells ? 0 : 1;
  }

  #isAtomicCell(cell: number): boolean {
    return cell % this.sideCells < rung;
  }

  /** True if the word is published and, as far as the writer can know, not yet consumed. */
  #isLive(cell: number): boolean {
    const owner = this.#ownerOf(cell);
    const first = this.consumedOf(1 - owner);
    const liveBytes = (this.producedOf(owner) - first) | 0;
    const offset = ((cell % this.sideCells) - controlCells) * 4;
    return ((offset - first) & (this.ringBytes - 1)) < liveBytes;
  }
}
