/** Reads the data of an option field by field. It was sent by anybody and may be anything. */
import { stringBytesMax } from './nbd-protocol.js';

/** The data of `Info` and `Go`. */
export interface ExportQuestion {
  readonly name: string;
  /** Numbers of pieces of information, known or not. */
  readonly infos: readonly number[];
}

/** The data of `ListMetaContext` and `SetMetaContext`. */
export interface ContextQuestion {
  readonly name: string;
  readonly queries: readonly string[];
}

/** Undefined if the data is not exactly that. */
export function readExportQuestion(data: Buffer): ExportQuestion | undefined {
  const reader = new OptionReader(data);
  const name = reader.string();
  const infos = reader.list(reader.short(), () => reader.short());
  return reader.isSpent ? { name, infos } : undefined;
}

/** Undefined if the data is not exactly that. */
export function readContextQuestion(data: Buffer): ContextQuestion | undefined {
  const reader = new OptionReader(data);
  const name = reader.string();
  const queries = reader.list(reader.word(), () => reader.string());
  return reader.isSpent ? { name, queries } : undefined;
}

/** After a field that is not there, all that it answers is empty, and `isSpent` stays false. */
class OptionReader {
  readonly #data: Buffer;
  #place = 0;
  #isBroken = false;

  constructor(data: Buffer) {
    this.#data = data;
  }

  /** True if every field was there and nothing is left. */
  get isSpent(): boolean {
    return !this.#isBroken && this.#place === this.#data.byteLength;
  }

  short(): number {
    const place = this.#take(2);
    return place < 0 ? 0 : this.#data.readUInt16BE(place);
  }

  word(): number {
    const place = this.#take(4);
    return place < 0 ? 0 : this.#data.readUInt32BE(place);
  }

  /** A string with its length in a word before it. */
  string(): string {
    const byteLength = this.word();
    if (byteLength > stringBytesMax) this.#isBroken = true;
    const place = this.#take(byteLength);
    return place < 0 ? '' : this.#data.toString('utf8', place, place + byteLength);
  }

  /** Ends early at a field that is not there, so that a count costs no more than its data. */
  list<Item>(count: number, read: () => Item): Item[] {
    const items: Item[] = [];
    while (items.length < count && !this.#isBroken) items.push(read());
    return items;
  }

  /** Where the next `byteLength` bytes are, or -1. */
  #take(byteLength: number): number {
    const place = this.#place;
    this.#isBroken ||= byteLength > this.#data.byteLength - place;
    if (this.#isBroken) return -1;
    this.#place += byteLength;
    return place;
  }
}
