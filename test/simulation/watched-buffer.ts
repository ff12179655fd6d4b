/**
 * WatchedBuffer: memory of a simulated domain that is registered, and everything around it. What it
 * should hold is kept beside it, so that each byte that changes is seen in the step in which it
 * does, and can be traced to the transfer that wrote it.
 */
import type { RegisteredBuffer } from '../../core/index.js';
import type { Life } from './life.js';
import type { Place } from './place.js';
import { dataByte, type TransferRecord } from './transfer-record.js';

/** Bytes on either side that nobody may touch. */
const guardBytes = 64;
const blockBytes = 4_096;

/** Bytes that were written, by a transfer or by the owner itself. */
interface Change {
  readonly step: number;
  readonly from: number;
  readonly bytes: Uint8Array;
}

export class WatchedBuffer {
  readonly id: number;
  readonly place: Place;
  readonly life: Life;
  readonly byteLength: number;
  /** How long a write of it may be on its way. */
  readonly fenceMs: number;
  /** What is registered. */
  readonly bytes: Uint8Array;
  registered: RegisteredBuffer | undefined = undefined;
  /** False from the call of `unregister` on. */
  isLive = true;
  /** Transfers that may still concern it. */
  records: TransferRecord[] = [];
  /** The last of those that no longer do. */
  readonly past: TransferRecord[] = [];
  /** Blocks that were written since they were taken last. */
  readonly writtenBlocks: Set<number> = new Set<number>();
  readonly #arena: Uint8Array;
  readonly #shadow: Uint8Array;
  #changes: Change[] = [];

  constructor(id: number, place: Place, byteLength: number, fenceMs: number) {
    this.id = id;
    this.place = place;
    this.life = place.life;
    this.byteLength = byteLength;
    this.fenceMs = fenceMs;
    this.#arena = new Uint8Array(byteLength + 2 * guardBytes);
    for (let at = 0; at < this.#arena.length; at++) this.#arena[at] = dataByte(id, at);
    this.#shadow = this.#arena.slice();
    this.bytes = this.#arena.subarray(guardBytes, guardBytes + byteLength);
  }

  /** What it should hold. */
  valueOf(from: number, byteLength: number): Uint8Array {
    return this.#shadow.slice(guardBytes + from, guardBytes + from + byteLength);
  }

  valueAt(at: number): number {
    return this.#shadow[guardBytes + at] ?? -1;
  }

  /** The bytes that are not what they should be, from their first to behind their last one. */
  findChange(): { readonly from: number; readonly bytes: Uint8Array } | undefined {
    if (Buffer.compare(this.#arena, this.#shadow) === 0) return undefined;
    let from = 0;
    let end = this.#arena.length;
    while (this.#arena[from] === this.#shadow[from]) from += 1;
    while (this.#arena[end - 1] === this.#shadow[end - 1]) end -= 1;
    return { from: from - guardBytes, bytes: this.#arena.slice(from, end) };
  }

  isInside(at: number): boolean {
    return at >= 0 && at < this.byteLength;
  }

  /** What was found is as it should be from now on. */
  accept(step: number, from: number, bytes: Uint8Array): void {
    this.#shadow.set(bytes, guardBytes + from);
    this.#changes.push({ step, from, bytes });
    if (this.records.every((record) => !record.isUnderWay)) this.#changes = [];
  }

  /** The owner itself stores something. */
  store(step: number, from: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, from);
    this.accept(step, from, bytes);
  }

  /** The owner stores what no transfer may bring to light. */
  storeSecret(id: number): void {
    for (let at = 0; at < this.byteLength; at++) this.bytes[at] = dataByte(id, at);
    this.#shadow.set(this.bytes, guardBytes);
  }

  /**
   * True if the byte may have had that value at a time since `record` began. Of several writes in
   * one step only the last one is seen.
   */
  mayHaveHeld(record: TransferRecord, at: number, value: number): boolean {
    const { before, beganStep, request } = record;
    if (before?.[at - request.from] === value) return true;
    if (this.#writersBeside(record, at).some((writer) => writer.byteAt(at) === value)) return true;
    return this.#changes.some(
      ({ step, from, bytes }) => step >= beganStep && bytes[at - from] === value,
    );
  }

  /** True if somebody else may have written the byte since `record` began. */
  mayBeOverwritten(record: TransferRecord, at: number): boolean {
    if (this.#writersBeside(record, at).length > 0) return true;
    return this.#changes.some(
      ({ step, from, bytes }) => step >= record.beganStep && at >= from && at < from + bytes.length,
    );
  }

  #writersBeside(record: TransferRecord, at: number): TransferRecord[] {
    return this.records.filter((other) => {
      const isWriter = other !== record && other.request.isWrite && other.execution !== 'never';
      return isWriter && other.covers(at) && other.endedStep >= record.beganStep;
    });
  }

  noteWritten(at: number): void {
    this.writtenBlocks.add(Math.floor(at / blockBytes));
  }

  /** A block that was written and is not among those taken; undefined if there is none. */
  findMissedBlock(ranges: readonly { offset: number; byteLength: number }[]): number | undefined {
    for (const block of this.writtenBlocks) {
      const at = block * blockBytes;
      const isTaken = ranges.some(
        ({ offset, byteLength }) => at >= offset && at < offset + byteLength,
      );
      if (!isTaken) return block;
    }
    return undefined;
  }
}
