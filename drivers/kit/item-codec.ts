/**
 * Item codecs: from the fields of a message, of parameters or of a status to bytes and back.
 *
 * An item begins with a head, which is not the codec's business; its fields fill the rest to the
 * last byte. Whatever a peer sent, reading answers the values or `undefined`; it never throws.
 */
import { RecordCodec } from './field-codec.js';
import type { ReadScope } from './scalar-codec.js';
import type { RecordSchema } from './schema.js';
import { makeCursor, WireError, type ByteCursor } from './wire.js';

export type Values = Readonly<Record<string, unknown>>;

/**
 * Views of at most so many bytes are kept; longer ones are made anew, which is cheap beside them.
 */
const keptViewBytesMax = 1024;

/** Memory in which items are encoded one after another; what it answers is valid until the next. */
export class Scratch {
  readonly cursor: ByteCursor;
  readonly #bytes: Uint8Array;
  readonly #views: (Uint8Array | undefined)[];

  constructor(byteLength: number) {
    this.#bytes = new Uint8Array(byteLength);
    this.cursor = makeCursor(this.#bytes);
    this.#views = new Array<Uint8Array | undefined>(Math.min(byteLength, keptViewBytesMax) + 1);
  }

  /** HOT: starts a new item. */
  begin(): ByteCursor {
    this.cursor.offset = 0;
    return this.cursor;
  }

  /** HOT: what was written since `begin`. */
  end(): Uint8Array {
    const byteLength = this.cursor.offset;
    if (byteLength > keptViewBytesMax) return this.#bytes.subarray(0, byteLength);
    return (this.#views[byteLength] ??= this.#bytes.subarray(0, byteLength));
  }
}

/** Reads what was received; keeps its cursor, since most items come in the same memory. */
export class ItemReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #cursor: ByteCursor = makeCursor(this.#bytes);
  #end = 0;

  /** HOT: the item to read from now on. */
  begin(bytes: Uint8Array, offset: number, byteLength: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      // A Buffer's `slice` would share its memory with what is read.
      const { buffer, byteOffset, length } = bytes;
      this.#cursor = makeCursor(Buffer.isBuffer(bytes) ? view(buffer, byteOffset, length) : bytes);
    }
    this.#cursor.offset = offset;
    this.#end = offset + byteLength;
  }

  /** HOT: one part of the head; undefined if the bytes are not such a part. */
  take<T>(read: (cursor: ByteCursor) => T): T | undefined {
    try {
      const part = read(this.#cursor);
      return this.#cursor.offset <= this.#end ? part : undefined;
    } catch (error) {
      if (error instanceof WireError) return undefined;
      throw error;
    }
  }

  /** HOT: the rest of the item, which has to be these fields and nothing more. */
  takeFields(codec: RecordCodec, scope: ReadScope): Values | undefined {
    try {
      // A read past the item's end stays in this memory, and is noticed here.
      const values = codec.read(this.#cursor, scope);
      return this.#cursor.offset === this.#end ? values : undefined;
    } catch (error) {
      if (error instanceof WireError) return undefined;
      throw error;
    }
  }

  /** Lets go of the memory, so that it can be collected. */
  forget(): void {
    this.begin(new Uint8Array(0), 0, 0);
  }
}

function view(buffer: ArrayBufferLike, byteOffset: number, byteLength: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const plainScope: ReadScope = { from: undefined, lends: false };

/** Encodes a record by itself; for what is not hot. Throws `ValueError`. */
export function encodeRecord(codec: RecordCodec, values: Values): Uint8Array {
  const scratch = new Scratch(codec.byteLengthMax);
  codec.write(scratch.begin(), values);
  return scratch.end();
}

/** Decodes a record by itself; undefined if the bytes are none. */
export function decodeRecord(
  codec: RecordCodec,
  bytes: Uint8Array,
  end: 'nothing follows' | 'more may follow' = 'nothing follows',
): Values | undefined {
  const reader = new ItemReader();
  reader.begin(bytes, 0, bytes.length);
  if (end === 'nothing follows') return reader.takeFields(codec, plainScope);
  return reader.take((cursor) => codec.read(cursor, plainScope));
}

const fixedVersion = 1;

/** The codec of a record that has no versions. */
export function compileRecord(schema: RecordSchema): RecordCodec {
  return new RecordCodec(schema, fixedVersion);
}
