/**
 * RegistrationSlots: where an owner finds a registration by what its references say, a slot and its
 * generation.
 *
 * A slot is used again with the next generation, so that no older reference hits it (B2). One whose
 * generations are used up is never used again.
 */
import { assert } from '../assert.js';

const generationMaxDefault = 0xffff_ffff;

interface Slot<T> {
  generation: number;
  value: T | undefined;
}

export class RegistrationSlots<T> {
  readonly #generationMax: number;
  readonly #slots: Slot<T>[] = [];
  readonly #free: number[] = [];
  #count = 0;

  constructor(generationMax: number = generationMaxDefault) {
    this.#generationMax = generationMax;
  }

  /** Reserves a slot, which stays empty until `fill`. */
  take(): number {
    return this.#free.pop() ?? this.#slots.push({ generation: 1, value: undefined }) - 1;
  }

  generationOf(slot: number): number {
    return this.#slotAt(slot).generation;
  }

  fill(slot: number, value: T): void {
    this.#slotAt(slot).value = value;
    this.#count += 1;
  }

  /** HOT; undefined if it is over, or nobody ever made such a reference. */
  find(slot: number, generation: number): T | undefined {
    const found = this.#slots[slot];
    return found?.generation === generation ? found.value : undefined;
  }

  /** From now on `find` answers nothing for its generation. */
  release(slot: number): void {
    const released = this.#slotAt(slot);
    assert(released.value !== undefined, 'a slot is released once');
    released.value = undefined;
    this.#count -= 1;
    if (released.generation === this.#generationMax) return;
    released.generation += 1;
    this.#free.push(slot);
  }

  /** Of those that are filled. */
  get count(): number {
    return this.#count;
  }

  /** Everything registered now. */
  values(): T[] {
    return this.#slots.flatMap(({ value }) => (value === undefined ? [] : [value]));
  }

  #slotAt(slot: number): Slot<T> {
    const found = this.#slots[slot];
    assert(found !== undefined, 'a slot that was taken');
    return found;
  }
}
