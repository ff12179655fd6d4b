/**
 * Journal: where a back end keeps what has to survive its restart. A list of records, each of which
 * is safe from the death of the process once `append` has returned.
 */
export interface Journal {
  /** Everything appended or put in place so far, in order. */
  read(): readonly Uint8Array[];
  /** Adds a copy of the record, after all others. */
  append(record: Uint8Array): void;
  /**
   * As `append` with each of them, at the cost of one. If the process dies in it, the first few may
   * be there without the rest. Default: `append`.
   */
  appendAll?(records: readonly Uint8Array[]): void;
  /** Puts these in the place of all records, or, if the process dies in it, leaves those. */
  replace(records: readonly Uint8Array[]): void;
}

/** A journal in memory. It outlives a back end as long as somebody holds it. */
export function createMemoryJournal(): Journal {
  let kept: Uint8Array[] = [];
  return {
    read: () => kept,
    append: (record) => {
      kept.push(record.slice());
    },
    replace: (records) => {
      kept = records.map((record) => record.slice());
    },
  };
}
