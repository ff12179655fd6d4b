/**
 * Field codecs: values that are made of others, and the record, which is what an item carries.
 *
 * A codec is made for one version of its protocol: a field that a later version brought takes no
 * byte, and is read as its `otherwise`.
 */
import { makeRecordCode, type RecordCode, type RecordField } from './record-code.js';
import {
  compileScalar,
  copyBytes,
  readBytes,
  ValueError,
  type FieldCodec,
  type ReadScope,
} from './scalar-codec.js';
import type { FieldNotes, FieldSchema, RecordSchema } from './schema.js';
import {
  readBool,
  readFixedString,
  readUintSafe32,
  WireError,
  writeBool,
  writeString,
  writeU8FixedArray,
  writeUintSafe32,
  type ByteCursor,
} from './wire.js';

/** The codec of a field as the given version of its protocol has it. */
export function compileField(schema: FieldSchema, version: number): FieldCodec {
  if (typeof schema === 'string') return compileScalar(schema);
  if ('is' in schema) return compileScalar(schema.is);
  if ('bytes' in schema) return new BytesCodec(schema.bytes, schema.lent ?? false);
  if ('text' in schema) return new TextCodec(schema.text);
  if ('choice' in schema) return new ChoiceCodec(schema.choice);
  if ('list' in schema) return new ListCodec(compileField(schema.list, version), schema.max);
  if ('record' in schema) return new RecordCodec(schema.record, version);
  return new OptionalCodec(compileField(schema.optional, version));
}

/** What is said of a field beside its kind. */
export function notesOf(schema: FieldSchema): FieldNotes {
  return typeof schema === 'string' ? {} : schema;
}

/** Bytes that a length or count of at most `most` takes. */
function prefixBytes(most: number): number {
  return most < 2 ** 7 ? 1 : most < 2 ** 14 ? 2 : most < 2 ** 21 ? 3 : most < 2 ** 28 ? 4 : 5;
}

class BytesCodec implements FieldCodec {
  readonly byteLengthMax: number;
  readonly #most: number;
  readonly #isLent: boolean;

  constructor(most: number, isLent: boolean) {
    this.byteLengthMax = prefixBytes(most) + most;
    this.#most = most;
    this.#isLent = isLent;
  }

  write(cursor: ByteCursor, value: unknown): void {
    const isRight = value instanceof Uint8Array && value.length <= this.#most;
    if (!isRight) throw ValueError.not(`at most ${this.#most} bytes`);
    writeUintSafe32(cursor, value.length);
    writeU8FixedArray(cursor, value);
  }

  read(cursor: ByteCursor, scope: ReadScope): Uint8Array {
    if (this.#isLent && scope.lends) return readBytes(cursor, this.#most);
    return copyBytes(cursor, this.#most, scope);
  }
}

class TextCodec implements FieldCodec {
  readonly byteLengthMax: number;
  readonly #most: number;

  constructor(most: number) {
    this.byteLengthMax = prefixBytes(most) + most;
    this.#most = most;
  }

  write(cursor: ByteCursor, value: unknown): void {
    const isText = typeof value === 'string' && value.isWellFormed();
    // A unit of UTF-16 takes at most three bytes of UTF-8, so most need no counting.
    const fits = isText && (value.length * 3 <= this.#most || countBytes(value) <= this.#most);
    if (!fits) throw ValueError.not(`text of at most ${this.#most} bytes`);
    writeString(cursor, value);
  }

  read(cursor: ByteCursor): string {
    const byteLength = readUintSafe32(cursor);
    if (byteLength > this.#most) throw new WireError(cursor.offset, `more than ${this.#most}`);
    return readFixedString(cursor, byteLength);
  }
}

function countBytes(text: string): number {
  return Buffer.byteLength(text);
}

class ChoiceCodec implements FieldCodec {
  readonly byteLengthMax: number;
  readonly #words: readonly string[];

  constructor(words: readonly string[]) {
    this.byteLengthMax = prefixBytes(words.length);
    this.#words = words;
  }

  write(cursor: ByteCursor, value: unknown): void {
    const index = typeof value === 'string' ? this.#words.indexOf(value) : -1;
    if (index < 0) throw ValueError.not(`one of ${this.#words.join(', ')}`);
    writeUintSafe32(cursor, index);
  }

  read(cursor: ByteCursor): string {
    const word = this.#words[readUintSafe32(cursor)];
    if (word === undefined) throw new WireError(cursor.offset, 'not one of the choices');
    return word;
  }
}

class ListCodec implements FieldCodec {
  readonly byteLengthMax: number;
  readonly #item: FieldCodec;
  readonly #most: number;

  constructor(item: FieldCodec, most: number) {
    this.byteLengthMax = prefixBytes(most) + most * item.byteLengthMax;
    this.#item = item;
    this.#most = most;
  }

  write(cursor: ByteCursor, value: unknown): void {
    const isRight = Array.isArray(value) && value.length <= this.#most;
    if (!isRight) throw ValueError.not(`a list of at most ${this.#most}`);
    writeUintSafe32(cursor, value.length);
    for (const item of value) this.#item.write(cursor, item);
  }

  read(cursor: ByteCursor, scope: ReadScope): unknown[] {
    const count = readUintSafe32(cursor);
    if (count > this.#most) throw new WireError(cursor.offset, `more than ${this.#most}`);
    const items: unknown[] = [];
    for (let index = 0; index < count; index++) items.push(this.#item.read(cursor, scope));
    return items;
  }
}

class OptionalCodec implements FieldCodec {
  readonly byteLengthMax: number;
  readonly #item: FieldCodec;

  constructor(item: FieldCodec) {
    this.byteLengthMax = 1 + item.byteLengthMax;
    this.#item = item;
  }

  write(cursor: ByteCursor, value: unknown): void {
    writeBool(cursor, value !== undefined);
    if (value !== undefined) this.#item.write(cursor, value);
  }

  read(cursor: ByteCursor, scope: ReadScope): unknown {
    return readBool(cursor) ? this.#item.read(cursor, scope) : undefined;
  }
}

/** The fields of an item, or of a field, by name. */
export class RecordCodec implements FieldCodec {
  readonly byteLengthMax: number;
  readonly #fields: readonly RecordField[];
  readonly #code: RecordCode;

  constructor(schema: RecordSchema, version: number) {
    this.#fields = Object.entries(schema).map(([name, field]) => ({
      name,
      codec: sinceOf(field) <= version ? compileField(field, version) : undefined,
      otherwise: notesOf(field).otherwise,
    }));
    this.#code = makeRecordCode(this.#fields);
    this.byteLengthMax = this.#fields.reduce(
      (sum, { codec }) => sum + (codec?.byteLengthMax ?? 0),
      0,
    );
  }

  /** HOT */
  write(cursor: ByteCursor, value: unknown): void {
    if (!isRecord(value)) throw ValueError.not('an object with fields');
    const start = cursor.offset;
    try {
      this.#code.write(cursor, value);
    } catch (error) {
      if (error instanceof ValueError) cursor.offset = start;
      throw error instanceof ValueError ? this.#name(error, cursor, value) : error;
    }
  }

  /** HOT */
  read(cursor: ByteCursor, scope: ReadScope): Record<string, unknown> {
    return this.#code.read(cursor, scope);
  }

  /** Writes once more, to find out which field is wrong. */
  #name(
    error: ValueError,
    cursor: ByteCursor,
    value: Readonly<Record<string, unknown>>,
  ): ValueError {
    for (const { name, codec } of this.#fields) {
      try {
        codec?.write(cursor, value[name]);
      } catch (again) {
        if (again instanceof ValueError) return new ValueError(`${name} ${again.message}`);
        throw again;
      }
    }
    return error;
  }
}

function sinceOf(field: FieldSchema): number {
  return notesOf(field).since ?? 1;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
