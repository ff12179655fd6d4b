/**
 * RangeGate: keeps two changes of one place from being under way at one time.
 *
 * Without it an older change that has to be executed again could undo a newer one that overtook it.
 */
import type { Values } from './item-codec.js';
import type { Extent } from './layout.js';

/** The part of a device that something changes, from `from` up to `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export class RangeGate<Owner> {
  readonly #spans = new Map<Owner, Span>();

  /** Enters, unless a change that overlaps is under way. True also for who is in already. */
  tryEnter(owner: Owner, span: Span): boolean {
    if (this.#spans.has(owner)) return true;
    for (const other of this.#spans.values()) {
      if (span.from < other.to && other.from < span.to) return false;
    }
    this.#spans.set(owner, span);
    return true;
  }

  /** False if it was not in. */
  leave(owner: Owner): boolean {
    return this.#spans.delete(owner);
  }
}

/** The span that the values of `range`'s two fields name. */
export function spanOf(range: Extent, values: Values): Span {
  if (range === 'everything') return { from: -Infinity, to: Infinity };
  const from = Number(values[range.from]);
  const length = values[range.length];
  return { from, to: from + (length instanceof Uint8Array ? length.length : Number(length)) };
}
