/**
 * TableJournal: the records in which an answer table survives.
 *
 * What is appended in one turn is written at once: whoever depends on a record waits for the end of
 * the turn, and is called then, in order.
 */
import type { RecordCodec } from './field-codec.js';
import { idBytes } from './greeting.js';
import { compileRecord, decodeRecord, Scratch } from './item-codec.js';
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
const noStatus = new Uint8Array(0);

/** The fields of all kinds. */
interface AnyRecord {
  readonly kind: string;
  readonly id: Uint8Array;
  readonly sequence?: number;
  readonly tag?: number;
  readonly item?: number;
  readonly isIdempotent?: boolean;
  readonly code?: number;
  readonly status?: Uint8Array;
}

/** Who waits for records to be written. */
interface Waiting {
  readonly start: () => void | Promise<void>;
  readonly resolve: (ended: void | Promise<void>) => void;
  readonly reject: (error: unknown) => void;
}

export class TableJournal {
  readonly #journal: Journal;
  readonly #codec: RecordCodec;
  readonly #scratch: Scratch;
  #appendedCount = 0;
  /** Appended and not written. */
  #pending: Uint8Array[] = [];
  #waiting: Waiting[] = [];
  #isDue = false;
  readonly #endTurn = (): void => {
    // Those that are called append in turn, and wait again.
    for (let round = this.#waiting; round.length > 0; round = this.#waiting) {
      this.#waiting = [];
      this.#writeFor(round);
    }
    this.#isDue = false;
  };

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

  /** It is written at the end of the turn, or by the next `write`. */
  append(record: TableRecord): void {
    this.#appendedCount += 1;
    this.#pending.push(this.#encode(record).slice());
  }

  /** Writes what was appended. */
  write(): void {
    if (this.#pending.length === 0) return;
    const pending = this.#pending;
    this.#pending = [];
    if (this.#journal.appendAll === undefined) {
      for (const record of pending) this.#journal.append(record);
    } else {
      this.#journal.appendAll(pending);
    }
  }

  /** Somebody waits for the end of the turn. */
  get isTurnOpen(): boolean {
    return this.#isDue;
  }

  /** Calls `start` once everything appended so far is written; settles as that does. */
  whenWritten(start: () => void | Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ start, resolve, reject });
      if (this.#isDue) return;
      this.#isDue = true;
      queueMicrotask(this.#endTurn);
    });
  }

  /** Of a table in its present state, so that nothing that was appended need be written. */
  replace(records: readonly TableRecord[]): void {
    this.#appendedCount = 0;
    this.#pending = [];
    this.#journal.replace(records.map((record) => this.#encode(record).slice()));
  }

  #writeFor(round: readonly Waiting[]): void {
    try {
      this.write();
    } catch (error) {
      // Nothing of it may be begun or answered.
      for (const { reject } of round) reject(error);
      return;
    }
    for (const waiting of round) begin(waiting);
  }

  #encode(record: TableRecord): Uint8Array {
    const any: AnyRecord = record;
    const { kind, id, sequence = 0, tag = 0, item = 0, isIdempotent = false } = any;
    const { code = 0, status = noStatus } = any;
    const values = { kind, id, sequence, tag, item, isIdempotent, code, status };
    this.#codec.write(this.#scratch.begin(), values);
    return this.#scratch.end();
  }
}

function begin({ start, resolve, reject }: Waiting): void {
  try {
    resolve(start());
  } catch (error) {
    reject(error);
  }
}
