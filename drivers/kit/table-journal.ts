/** TableJournal: the records in which an answer table survives. */
import type { RecordCodec } from './field-codec.js';
import { idBytes } from './greeting.js';
import { compileRecord, decodeRecord, Scratch, type Values } from './item-codec.js';
import type { Journal } from './journal.js';

/** What happened, in the order in which it happened. */
export type TableRecord =
  /** The table was made; its name. */
  | { readonly kind: 'made'; readonly id: Uint8Array }
  /** A front end is known from now on, and will not ask for sequences below `sequence`. */
  | {
      readonly kind: 'entered';
      readonly id: Uint8Array;
      readonly sequence: number;
      /** Drawn when it entered. */
      readonly tag: number;
    }
  /** A transaction of the front end is about to be executed. */
  | {
      readonly kind: 'begun';
      readonly id: Uint8Array;
      readonly sequence: number;
      /** The transaction's number in the protocol. */
      readonly item: number;
      readonly isIdempotent: boolean;
    }
  /** It was executed, and this is its answer. */
  | {
      readonly kind: 'answered';
      readonly id: Uint8Array;
      readonly sequence: number;
      readonly code: number;
      readonly status: Uint8Array;
    };

const kinds = ['made', 'entered', 'begun', 'answered'] as const;
const defaults = {
  ...{ sequence: 0, tag: 0, item: 0, isIdempotent: false },
  ...{ code: 0, status: new Uint8Array(0) },
};

export class TableJournal {
  readonly #journal: Journal;
  readonly #codec: RecordCodec;
  readonly #scratch: Scratch;
  #appendedCount = 0;

  constructor(journal: Journal, statusBytesMax: number) {
    this.#journal = journal;
    this.#codec = compileRecord({
      kind: { choice: kinds },
      id: { bytes: idBytes },
      sequence: 'uint53',
      tag: 'uint32',
      item: 'uint8',
      isIdempotent: 'boolean',
      code: 'int32',
      status: { bytes: Math.max(1, statusBytesMax) },
    });
    this.#scratch = new Scratch(this.#codec.byteLengthMax);
  }

  /** Records since the last `replace`, as far as it is known. */
  get appendedCount(): number {
    return this.#appendedCount;
  }

  /** What is no record, because it is another program's, is left out. All count as appended. */
  read(): TableRecord[] {
    const all = this.#journal.read();
    this.#appendedCount = all.length;
    return all.flatMap((bytes) => {
      const record = decodeRecord(this.#codec, bytes);
      // The codec reads what `append` wrote, and `append` takes nothing else.
      return record === undefined ? [] : [record as unknown as TableRecord];
    });
  }

  append(record: TableRecord): void {
    this.#appendedCount += 1;
    this.#journal.append(this.#encode(record));
  }

  replace(records: readonly TableRecord[]): void {
    this.#appendedCount = 0;
    this.#journal.replace(records.map((record) => this.#encode(record).slice()));
  }

  #encode(record: TableRecord): Uint8Array {
    const values: Values = { ...defaults, ...record };
    this.#codec.write(this.#scratch.begin(), values);
    return this.#scratch.end();
  }
}
