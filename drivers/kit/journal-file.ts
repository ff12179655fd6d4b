/**
 * A journal in a file: records with their lengths and checksums. One that a death cut short or
 * damaged ends it; what is behind that is cut off, so that nothing comes back after newer records.
 */
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { checksumOf } from './checksum.js';
import type { Journal } from './journal.js';

export interface FileJournalOptions {
  /** True: a record is safe from the death of the machine, too. Default false. */
  readonly sync?: boolean;
}

export interface FileJournal extends Journal {
  close(): void;
}

/** Byte length and checksum, little-endian. */
const headBytes = 8;
/** What is written at once is nearly always shorter. */
const scratchBytes = 65536;

/** Opens the journal at `file`, which one back end at a time may use; throws if it cannot. */
export function openFileJournal(file: string, options: FileJournalOptions = {}): FileJournal {
  return new SystemFileJournal(file, options.sync ?? false);
}

class SystemFileJournal implements FileJournal {
  readonly #path: string;
  readonly #isSynced: boolean;
  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  #file: number;
  #end: number;

  constructor(place: string, isSynced: boolean) {
    this.#path = place;
    this.#isSynced = isSynced;
    this.#file = openSync(place, 'a');
    closeSync(this.#file);
    this.#file = openSync(place, 'r+');
    this.#end = this.#scan().end;
    ftruncateSync(this.#file, this.#end);
    if (this.#isSynced) this.#syncFolder();
  }

  read(): readonly Uint8Array[] {
    return this.#scan().records;
  }

  append(record: Uint8Array): void {
    this.appendAll([record]);
  }

  appendAll(records: readonly Uint8Array[]): void {
    const framed = frameAll(records, this.#scratch);
    writeWhole(this.#file, framed, this.#end);
    this.#end += framed.length;
    if (this.#isSynced) fdatasyncSync(this.#file);
  }

  replace(records: readonly Uint8Array[]): void {
    const next = `${this.#path}.next`;
    const file = openSync(next, 'w');
    const framed = frameAll(records, this.#scratch);
    writeWhole(file, framed, 0);
    if (this.#isSynced) fdatasyncSync(file);
    renameSync(next, this.#path);
    if (this.#isSynced) this.#syncFolder();
    closeSync(this.#file);
    this.#file = file;
    this.#end = framed.length;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Makes the file's name safe. */
  #syncFolder(): void {
    const folder = openSync(path.dirname(this.#path), 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  #scan(): { readonly records: Uint8Array[]; readonly end: number } {
    const content = readFileSync(this.#path);
    const records: Uint8Array[] = [];
    let end = 0;
    while (end + headBytes <= content.length) {
      const byteLength = content.readUInt32LE(end);
      const record = content.subarray(end + headBytes, end + headBytes + byteLength);
      if (record.length < byteLength || checksumOf(record) !== content.readUInt32LE(end + 4)) break;
      records.push(new Uint8Array(record));
      end += headBytes + byteLength;
    }
    return { records, end };
  }
}

/** In `scratch`, if that is large enough. */
function frameAll(records: readonly Uint8Array[], scratch: Buffer): Buffer {
  const byteLength = records.reduce((sum, record) => sum + headBytes + record.length, 0);
  const framed = byteLength <= scratch.length ? scratch : Buffer.allocUnsafeSlow(byteLength);
  let end = 0;
  for (const record of records) {
    framed.writeUInt32LE(record.length, end);
    framed.writeUInt32LE(checksumOf(record), end + 4);
    framed.set(record, end + headBytes);
    end += headBytes + record.length;
  }
  return framed.subarray(0, end);
}

function writeWhole(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}
