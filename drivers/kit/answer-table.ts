/**
 * AnswerTable: what a back end knows of the transactions of its front ends, by (front-end id,
 * sequence), so that none is executed twice however often it is submitted.
 *
 * Before a handler is called the table notes that it begins; before the answer is sent, what it is.
 * Both survive in the journal. What was begun and not answered when the back end died is done again
 * if it is idempotent (`RedoList`); of the rest nobody can say what became of it.
 */
import type { Runtime } from 'idc';
import { idBytes } from './greeting.js';
import type { Journal } from './journal.js';
import { RedoList } from './redo-list.js';
import { TableJournal, type TableRecord } from './table-journal.js';

export interface TableSettings {
  readonly journal: Journal;
  /** How long a restarted back end waits for what it had begun. */
  readonly graceMs: number;
  /** Front ends that are remembered; of more, those that were away longest are forgotten. */
  readonly frontEndsMax: number;
  readonly statusBytesMax: number;
  readonly runtime: Runtime;
}

export interface TableEntry {
  readonly frontEnd: string;
  readonly sequence: number;
  /** The transaction's number; the same sequence always brings the same one. */
  readonly item: number;
  readonly isIdempotent: boolean;
  /** `lost`: begun by a back end that died, and not to be done again; `begun`: to be. */
  state: 'running' | 'begun' | 'answered' | 'lost';
  code: number;
  status: Uint8Array;
  /** Who waits for the answer. */
  readonly waiting: (() => void)[];
}

interface FrontEndRecord {
  readonly id: Uint8Array;
  /** Tells it from an earlier one of the same front end, which was forgotten. */
  readonly tag: number;
  floor: number;
  readonly entries: Map<number, TableEntry>;
  connectionCount: number;
}

/** Answers kept for one front end. */
export const answersMax = 1024;
/** Compacting costs as much as what is kept, so it waits for as many appended records at least. */
export const compactMin = 4096;
const noStatus = new Uint8Array(0);

export class AnswerTable {
  readonly redo: RedoList<TableEntry>;
  readonly id: Uint8Array = new Uint8Array(idBytes);
  readonly #settings: TableSettings;
  readonly #journal: TableJournal;
  /** In the order of their last visit. */
  readonly #frontEnds = new Map<string, FrontEndRecord>();
  /** Begun and not answered, in the order in which they were begun. */
  readonly #unanswered = new Set<TableEntry>();
  /** Records that the last compacting kept. */
  #keptCount = 0;

  constructor(settings: TableSettings) {
    this.#settings = settings;
    this.#journal = new TableJournal(settings.journal, settings.statusBytesMax);
    this.#restore();
    const again: TableEntry[] = [];
    for (const entry of this.#unanswered) {
      if (entry.isIdempotent) again.push(entry);
      else this.#lose(entry);
    }
    const { graceMs, runtime } = settings;
    const onDropped = (entry: TableEntry): void => {
      this.#lose(entry);
    };
    this.redo = new RedoList({ items: again, graceMs, scheduler: runtime.scheduler, onDropped });
  }

  /**
   * What the table goes by for one front end: another name means that what it knew of it is lost.
   */
  memoryFor(frontEnd: string): Uint8Array {
    const memory = this.id.slice();
    const view = new DataView(memory.buffer);
    view.setUint32(0, view.getUint32(0) ^ (this.#frontEnds.get(frontEnd)?.tag ?? 0));
    return memory;
  }

  /** Waits for nobody any more. */
  close(): void {
    this.redo.close();
  }

  /** A front end greets. False if nothing is known of it. */
  enter(frontEnd: string, oldestUnsettled: number): boolean {
    const known = this.#frontEnds.get(frontEnd);
    const record = known ?? makeRecord(frontEnd, this.#drawTag());
    this.#frontEnds.delete(frontEnd);
    this.#frontEnds.set(frontEnd, record);
    if (known === undefined) {
      const { id, tag } = record;
      this.#journal.append({ kind: 'entered', id, sequence: oldestUnsettled, tag });
      this.#journal.write();
      this.#forgetOldest();
      this.#compact();
    }
    this.#raiseFloor(frontEnd, record, oldestUnsettled);
    return known !== undefined;
  }

  connected(frontEnd: string): void {
    const record = this.#frontEnds.get(frontEnd);
    if (record !== undefined) record.connectionCount += 1;
  }

  disconnected(frontEnd: string): void {
    const record = this.#frontEnds.get(frontEnd);
    if (record !== undefined) record.connectionCount -= 1;
  }

  /** A front end has submitted again whatever it will. */
  resumed(frontEnd: string): void {
    this.redo.drop((entry) => entry.frontEnd === frontEnd);
  }

  /** What is known of a transaction; undefined if it is new. Also hears what is settled. */
  find(frontEnd: string, sequence: number, oldestUnsettled: number): TableEntry | undefined {
    const record = this.#frontEnds.get(frontEnd);
    if (record === undefined) return undefined;
    this.#raiseFloor(frontEnd, record, oldestUnsettled);
    return record.entries.get(sequence);
  }

  /** True if one more of this front end can be remembered. */
  hasRoom(frontEnd: string, sequence: number): boolean {
    const record = this.#frontEnds.get(frontEnd);
    return record !== undefined && sequence >= record.floor && record.entries.size < answersMax;
  }

  /** A new transaction is executed next, when that is written. */
  begin(frontEnd: string, sequence: number, item: number, isIdempotent: boolean): TableEntry {
    const entry = makeEntry(frontEnd, sequence, item, isIdempotent);
    const record = this.#frontEnds.get(frontEnd);
    record?.entries.set(sequence, entry);
    this.#unanswered.add(entry);
    const id = record?.id ?? bytesOf(frontEnd);
    this.#journal.append({ kind: 'begun', id, sequence, item, isIdempotent });
    return entry;
  }

  /** It was executed; its answer is sent when that is written. `status` is copied. */
  answer(entry: TableEntry, code: number, status: Uint8Array): void {
    entry.state = 'answered';
    entry.code = code;
    entry.status = status.length === 0 ? noStatus : status.slice();
    this.#unanswered.delete(entry);
    const { frontEnd, sequence } = entry;
    const id = this.#frontEnds.get(frontEnd)?.id ?? bytesOf(frontEnd);
    this.#journal.append({ kind: 'answered', id, sequence, code, status });
  }

  /**
   * Calls `start` once all that has begun and was answered is written, with that of others of this
   * turn; settles as `start` does, and rejects if it cannot be written.
   */
  whenWritten(start: () => void | Promise<void>): Promise<void> {
    return this.#journal.whenWritten(start);
  }

  /** Calls `start` after what came before it in this turn. */
  inTurn(start: () => void | Promise<void>): void | Promise<void> {
    return this.#journal.isTurnOpen ? this.#journal.whenWritten(start) : start();
  }

  /** Its answer was sent: others may go on. */
  settle(entry: TableEntry): void {
    for (const wake of entry.waiting.splice(0)) wake();
    this.redo.finish(entry);
    this.#compact();
  }

  #raiseFloor(frontEnd: string, record: FrontEndRecord, floor: number): void {
    if (floor <= record.floor) return;
    record.floor = floor;
    this.redo.drop((entry) => entry.frontEnd === frontEnd && entry.sequence < floor);
    // They were begun in ascending order, nearly; what is passed over goes with the next.
    for (const [sequence, { state }] of record.entries) {
      if (sequence >= floor) break;
      if (state === 'answered' || state === 'lost') record.entries.delete(sequence);
    }
  }

  #forgetOldest(): void {
    for (const [frontEnd, { connectionCount }] of this.#frontEnds) {
      if (this.#frontEnds.size <= this.#settings.frontEndsMax) return;
      if (connectionCount === 0) this.#frontEnds.delete(frontEnd);
    }
  }

  #drawTag(): number {
    return Math.floor(this.#settings.runtime.prng.fraction() * 2 ** 32);
  }

  #lose(entry: TableEntry): void {
    entry.state = 'lost';
    this.#unanswered.delete(entry);
  }

  #restore(): void {
    const records = this.#journal.read();
    const made = records.find(({ kind }) => kind === 'made');
    if (made === undefined) {
      this.#settings.runtime.prng.fill(this.id);
      this.#journal.replace([{ kind: 'made', id: this.id }]);
      return;
    }
    this.id.set(made.id);
    for (const record of records) this.#replay(record);
  }

  #replay(record: TableRecord): void {
    const frontEnd = Buffer.from(record.id).toString('hex');
    if (record.kind === 'made') return;
    if (record.kind === 'entered') {
      // It may have been forgotten in between: what it had begun then is not known any more.
      this.#frontEnds.delete(frontEnd);
      const known = makeRecord(frontEnd, record.tag);
      known.floor = record.sequence;
      this.#frontEnds.set(frontEnd, known);
      return;
    }
    const known = this.#frontEnds.get(frontEnd);
    if (known === undefined) return;
    if (record.kind === 'begun') {
      const entry = makeEntry(frontEnd, record.sequence, record.item, record.isIdempotent);
      entry.state = 'begun';
      known.entries.set(record.sequence, entry);
      this.#unanswered.add(entry);
    } else {
      const entry = known.entries.get(record.sequence);
      if (entry === undefined) return;
      entry.state = 'answered';
      entry.code = record.code;
      entry.status = record.status;
      this.#unanswered.delete(entry);
    }
  }

  /** Leaves out of the journal what nobody will ask for again. */
  #compact(): void {
    if (this.#journal.appendedCount < Math.max(compactMin, this.#keptCount)) return;
    const records: TableRecord[] = [{ kind: 'made', id: this.id }];
    for (const { id, floor, entries, tag } of this.#frontEnds.values()) {
      records.push({ kind: 'entered', id, sequence: floor, tag });
      for (const { sequence, item, state, code, status } of entries.values()) {
        if (state !== 'answered' && state !== 'lost') continue;
        // What is not to be done again is restored as lost, unless an answer follows.
        records.push({ kind: 'begun', id, sequence, item, isIdempotent: false });
        if (state === 'answered') records.push({ kind: 'answered', id, sequence, code, status });
      }
    }
    for (const { frontEnd, sequence, item, isIdempotent } of this.#unanswered) {
      const id = bytesOf(frontEnd);
      records.push({ kind: 'begun', id, sequence, item, isIdempotent });
    }
    this.#keptCount = records.length;
    this.#journal.replace(records);
  }
}

function makeRecord(frontEnd: string, tag: number): FrontEndRecord {
  return { id: bytesOf(frontEnd), tag, floor: 0, entries: new Map(), connectionCount: 0 };
}

function bytesOf(frontEnd: string): Uint8Array {
  return Buffer.from(frontEnd, 'hex');
}

function makeEntry(
  frontEnd: string,
  sequence: number,
  item: number,
  isIdempotent: boolean,
): TableEntry {
  const fixed = { state: 'running', code: 0, status: noStatus } as const;
  return { frontEnd, sequence, item, isIdempotent, ...fixed, waiting: [] };
}
