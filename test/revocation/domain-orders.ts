/** What the attack on a domain's buffer tells a holder: one answer to each order. */

/** What a holder is, for its whole life. */
export interface DomainHolderOptions {
  /** From 1 on; it writes the part of the buffer of that number. */
  readonly id: number;
  readonly transport: 'ring' | 'tcp';
}

export type DomainOrder =
  /** Uses the buffer flat out from now on; bytes travel as numbers, for processes talk in JSON. */
  | { readonly order: 'hold'; readonly reference: readonly number[] }
  /** Answers when so many transfers that began after this have ended, well or not. */
  | { readonly order: 'pass'; readonly count: number }
  /** The same, and the buffer is unregistered: a transfer that begins after this must fail. */
  | { readonly order: 'passInVain'; readonly count: number }
  /** Stops. */
  | { readonly order: 'free' };

/** What it found since it holds the buffer. */
export interface DomainReport {
  /** Transfers that were done. */
  readonly done: number;
  /** Those of them that a domain did alone, in lent memory. */
  readonly mapped: number;
  /** Those of them that began after the buffer was unregistered. */
  readonly late: number;
  /** Transfers that ended with STALE_REFERENCE. */
  readonly stale: number;
  /** Words of the owner's secret that it saw, after transfers that were done or not. */
  readonly secrets: number;
  /** Words that hold what no writer wrote, in transfers that were done. */
  readonly broken: number;
  /** The last write to its part that was done, and the last one that may have been, in part. */
  readonly landed: number;
  readonly tried: number;
  /** Ends of transfers that no holder is to see, with their number: a code each. */
  readonly oddities: Readonly<Record<string, number>>;
}
