/** What the attack tells a holder, and what that answers: one answer to each order. */
import type { BufferAccess } from '../../core/contract.js';

/** What a holder is, for its whole life. */
export interface HolderOptions {
  /** From 1 on; it writes the part of the buffer, and counts at the place of the tally, of it. */
  readonly id: number;
  /** An honest one believes `enter` and `leave`. Others go on whatever these say. */
  readonly isHonest: boolean;
}

/** How a region is mapped; bytes travel as numbers, for processes talk in JSON. */
export interface Offer {
  readonly owner: number;
  readonly description: readonly number[];
  readonly byteLength: number;
  readonly access: BufferAccess;
}

export type Order =
  /** Maps the region and hammers it from now on. */
  | { readonly order: 'hold'; readonly offer: Offer }
  /** Tells when it has gone over the buffer so often from now on. */
  | { readonly order: 'pass'; readonly count: number }
  /** Makes a region of its own, full of one byte, and lends it. */
  | { readonly order: 'lend'; readonly byteLength: number; readonly access: BufferAccess }
  /** Stops, and releases the region. */
  | { readonly order: 'free' }
  /** Gives up root for this user, for good. */
  | { readonly order: 'become'; readonly user: number }
  /** Stores into the region; where that is for reading it does not return. */
  | { readonly order: 'scribble' }
  /** Takes the pages out of the file that it may write, again and again from now on. */
  | { readonly order: 'punch' };

/** What it found since it holds the region. */
export interface Report {
  readonly outcome: string;
  /** Passes over the buffer. */
  readonly passes: number;
  /** Words of the owner's secret that it saw. */
  readonly secrets: number;
  /** Words that nobody wrote. */
  readonly broken: number;
  /** Of an honest one: the last write of which `leave` said that it landed; 0 is none. */
  readonly landed: number;
  /** Accesses of which `leave` or `enter` said that they came too late. */
  readonly refused: number;
  /** What it lends. */
  readonly offer?: Offer;
}

/** The byte that fills a region which a holder lends. */
export const lentByte = 0x5a;
