/**
 * The local side of a transfer: one array, or a list of them that counts as joined.
 *
 * A list is kept as it was at the call, with the place where each part begins, so that a piece in
 * the middle of a long one is found at once. Nothing here keeps a view beyond its call.
 */
import type { Bytes } from '../api.js';
import { assert } from '../assert.js';
import { byteLengthOf } from '../local-buffer.js';

/** So few bytes are moved faster one by one than by way of a view. */
const bytewiseMax = 64;

const changed = 'local bytes stay as long as they are until their transfer has settled';

export class LocalList {
  readonly byteLength: number;
  readonly #parts: readonly Uint8Array[];
  /** Where each part begins. */
  readonly #starts: Float64Array;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = [...parts];
    this.#starts = new Float64Array(parts.length);
    let start = 0;
    for (const [index, part] of parts.entries()) {
      this.#starts[index] = start;
      start += part.length;
    }
    this.byteLength = start;
  }

  /** Calls `visit` for each stretch of `[from, from + byteLength)`, in order. */
  forEach(
    from: number,
    byteLength: number,
    visit: (part: Uint8Array, at: number, count: number) => void,
  ): void {
    let left = byteLength;
    let at = from;
    for (let index = this.#indexOf(from); left > 0; index++) {
      const part = this.#parts[index];
      assert(part !== undefined, changed, 'BAD_ARGUMENT');
      const skip = at - (this.#starts[index] ?? 0);
      const count = Math.min(left, part.length - skip);
      // Behind a part that has become shorter the next one would begin too early.
      assert(skip >= 0 && count >= 0, changed, 'BAD_ARGUMENT');
      if (count > 0) visit(part, skip, count);
      at += count;
      left -= count;
    }
  }

  /** The last part that begins at `from` or before. */
  #indexOf(from: number): number {
    let low = 0;
    let high = this.#parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= from) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** What an operation keeps of the caller's bytes. */
export type Local = Uint8Array | LocalList;

/** One array is kept as it is; of a list an own copy, since the caller may change the list. */
export function makeLocal(bytes: Bytes): Local {
  if (bytes instanceof Uint8Array) return bytes;
  // Checks that every part is bytes.
  byteLengthOf(bytes);
  const [first] = bytes;
  return bytes.length === 1 && first !== undefined ? first : new LocalList(bytes);
}

/** HOT: appends views of `[from, from + byteLength)` to `list`. */
export function pushViews(
  local: Local,
  from: number,
  byteLength: number,
  list: Uint8Array[],
): void {
  if (local instanceof Uint8Array) {
    list.push(viewOf(local, from, byteLength));
  } else {
    local.forEach(from, byteLength, (part, at, count) => {
      list.push(viewOf(part, at, count));
    });
  }
}

/** HOT: copies `[at, at + byteLength)` of `source` to the local bytes from `from` on. */
export function fillLocal(
  local: Local,
  from: number,
  source: Uint8Array,
  at: number,
  byteLength: number,
): void {
  if (local instanceof Uint8Array) {
    copyRange(source, at, local, from, byteLength);
    return;
  }
  let sourceAt = at;
  local.forEach(from, byteLength, (part, partAt, count) => {
    copyRange(source, sourceAt, part, partAt, count);
    sourceAt += count;
  });
}

/** HOT: copies all local bytes to `target` at `at`. */
export function gatherLocal(local: Local, target: Uint8Array, at: number): void {
  if (local instanceof Uint8Array) {
    copyRange(local, 0, target, at, local.length);
    return;
  }
  local.forEach(0, local.byteLength, (part, partAt, count) => {
    copyRange(part, partAt, target, at, count);
    at += count;
  });
}

/** HOT: a view costs more than the copy of a few bytes. */
function copyRange(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  at: number,
  byteLength: number,
): void {
  assert(at + byteLength <= target.length, changed, 'BAD_ARGUMENT');
  if (byteLength <= bytewiseMax) {
    // reason: both ranges were checked; the flags make every typed-array read `| undefined`
    for (let index = 0; index < byteLength; index++) target[at + index] = source[from + index]!;
  } else {
    target.set(viewOf(source, from, byteLength), at);
  }
}

/** Not `subarray`: that of a Buffer is a Buffer, which takes longer to make. */
function viewOf(bytes: Uint8Array, from: number, byteLength: number): Uint8Array {
  if (from === 0 && byteLength === bytes.length) return bytes;
  assert(from + byteLength <= bytes.length, changed, 'BAD_ARGUMENT');
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, byteLength);
}
