/**
 * TransferRecord: one transfer in the books of a world: what it moves, who asked for it, what was
 * said of it, and which of its bytes were seen to land. It knows whether a byte of it may still
 * land (B5); `transfer-ledger.ts` judges by that.
 */
import type { Execution } from '../../core/index.js';
import type { Place } from './place.js';
import type { Life } from './life.js';
import type { WatchedBuffer } from './watched-buffer.js';

/** What a client asks for, as the books see it. */
export interface TransferRequest {
  readonly isWrite: boolean;
  readonly buffer: WatchedBuffer;
  /** In the registered buffer. */
  readonly from: number;
  readonly byteLength: number;
  /** The owner executes nothing of it from then on, in Unix time. */
  readonly expiresMs: number;
  /** For one holder alone, which who asks may not be. */
  readonly isRestricted: boolean;
  /** It has to be refused at once, as this. */
  readonly expected: string | undefined;
  readonly timeoutMs: number;
}

export class TransferRecord {
  readonly id: number;
  readonly request: TransferRequest;
  readonly place: Place;
  readonly life: Life;
  readonly beganStep: number;
  readonly beganMs: number;
  /** How long its domain had been stopped by then. */
  readonly stoppedMs: number;
  /** When it has to have settled, in time that its domain was not stopped. */
  dueMs: number;
  isAborted = false;
  /** Undefined while it is under way; `maybe` if its domain crashed meanwhile. */
  execution: Execution | undefined = undefined;
  endedMs: number = Infinity;
  endedStep: number = Infinity;
  /** By byte: 1 if it was seen to land. */
  readonly landed: Uint8Array;
  /** A byte landed that nobody else can have written. */
  hasSurelyLanded = false;
  /** Of a read: what the buffer held when it began. */
  readonly before: Uint8Array | undefined;

  constructor(
    id: number,
    request: TransferRequest,
    place: Place,
    now: { readonly step: number; readonly ms: number; readonly flushMs: number },
  ) {
    const { isWrite, buffer, from, byteLength, timeoutMs } = request;
    this.id = id;
    this.request = request;
    this.place = place;
    this.life = place.life;
    this.beganStep = now.step;
    this.beganMs = now.ms;
    this.stoppedMs = place.life.stoppedMs;
    this.dueMs = now.ms + timeoutMs + now.flushMs;
    this.landed = new Uint8Array(isWrite ? byteLength : 0);
    this.before = isWrite ? undefined : buffer.valueOf(from, byteLength);
  }

  get name(): string {
    const { isWrite, buffer, from, byteLength } = this.request;
    const what = `${isWrite ? 'write' : 'read'} ${this.id}`;
    return `${what} of ${this.place.name}, ${byteLength} bytes at ${from} of buffer ${buffer.id}`;
  }

  get isUnderWay(): boolean {
    return this.execution === undefined;
  }

  covers(at: number): boolean {
    const { from, byteLength } = this.request;
    return at >= from && at < from + byteLength;
  }

  /** What it writes to a byte of the buffer that it covers. */
  byteAt(at: number): number {
    return dataByte(this.id, at - this.request.from);
  }

  /** What it writes. */
  makeSource(): Uint8Array {
    return Uint8Array.from({ length: this.request.byteLength }, (_, index) =>
      dataByte(this.id, index),
    );
  }

  hasLandedAt(at: number): boolean {
    return this.covers(at) && this.landed[at - this.request.from] === 1;
  }

  ended(execution: Execution, nowMs: number, step: number): void {
    this.execution = execution;
    this.endedMs = nowMs;
    this.endedStep = step;
  }

  /** Until when a byte of it may land by the rules of time alone. */
  get landsUntilMs(): number {
    if (this.isUnderWay) return Infinity;
    return this.execution === 'maybe' ? this.endedMs + this.request.buffer.fenceMs : -Infinity;
  }

  /** Why no byte of it may land at `at` any more; undefined if one may. */
  whyNotAt(at: number, nowMs: number, unixMs: number): string | undefined {
    const { isWrite, expected, expiresMs, buffer } = this.request;
    if (!isWrite) return 'it only reads';
    if (expected !== undefined) return `it had to be refused as ${expected}`;
    if (unixMs >= expiresMs) return 'its reference had expired';
    if (this.execution === 'done' || this.execution === 'never') {
      return `it had ended as ${this.execution}`;
    }
    if (nowMs > this.landsUntilMs) return 'it had ended as maybe, and its lease was over';
    if (this.isUnderWay) return undefined;
    const isFollowed = buffer.records.some((other) => other.isFollowing(this, at));
    return isFollowed ? 'it had ended as maybe, and was fenced for another one' : undefined;
  }

  /** The same domain has written there since `former` ended. */
  isFollowing(former: TransferRecord, at: number): boolean {
    if (this.life !== former.life || this.beganStep < former.endedStep) return false;
    if (!this.request.isWrite || !this.covers(at)) return false;
    return this.execution === 'done' || this.hasLandedAt(at);
  }
}

/** The byte at `index` of what `id` names; two names rarely have the same one. */
export function dataByte(id: number, index: number): number {
  let hash = Math.imul(id, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return (hash ^ (hash >>> 12)) & 0xff;
}
