/**
 * TransferLedger: the books of all transfers of a world. It sees every byte of every registered
 * buffer after each step, at its owner as well as at its holders, which nobody else can.
 *
 *   B4  no byte outside of a reference changes, and each transfer completes exactly once, in time
 *   B5  nothing of a write lands after `done` or `never`, after it was fenced, or after its lease;
 *       `never` says that nothing of it landed, `done` that all of it did; what is read was there
 *   B6  no byte changes, and none that was stored later is seen, once it was unregistered
 */
import { ErrorCode, type Execution } from '../../core/index.js';
import type { Place } from './place.js';
import { TransferRecord, type TransferRequest } from './transfer-record.js';
import { WatchedBuffer } from './watched-buffer.js';
import type { World } from './world.js';

/** How many transfers ended how. */
export interface TransferTally {
  buffers: number;
  bytesLanded: number;
  never: number;
  maybe: number;
  done: number;
}

export function makeTransferTally(): TransferTally {
  return { buffers: 0, bytesLanded: 0, never: 0, maybe: 0, done: 0 };
}

/** Timers are late by a tick, and by turns. */
const slackMs = 50;
const pastMax = 16;
/** Buffers that nobody uses any more, and that are watched all the same. */
const endedMax = 24;

/** What may be said of any transfer, whatever its reference is like. */
const commonCodes: ReadonlySet<string> = new Set([ErrorCode.Unreachable, ErrorCode.Quota]);

export class TransferLedger {
  readonly tally: TransferTally = makeTransferTally();
  readonly #world: World;
  readonly #flushMs: number;
  readonly #buffers = new Set<WatchedBuffer>();
  readonly #open = new Set<TransferRecord>();
  #nextId = 1;

  /** `flushMs`: the longest time that a piece takes to settle once it was given up. */
  constructor(world: World, flushMs: number) {
    this.#world = world;
    this.#flushMs = flushMs;
    world.always(() => {
      this.#audit();
    });
  }

  get #step(): number {
    return this.#world.time.stepCount;
  }

  /** Transfers that have not settled, of domains that are up. */
  get openCount(): number {
    return this.#open.size;
  }

  addBuffer(place: Place, byteLength: number, fenceMs: number): WatchedBuffer {
    const buffer = new WatchedBuffer(this.#nextId++, place, byteLength, fenceMs);
    this.#buffers.add(buffer);
    this.tally.buffers += 1;
    return buffer;
  }

  begin(place: Place, request: TransferRequest): TransferRecord {
    const now = { step: this.#step, ms: this.#world.nowMs, flushMs: this.#flushMs + slackMs };
    const record = new TransferRecord(this.#nextId++, request, place, now);
    request.buffer.records.push(record);
    this.#open.add(record);
    return record;
  }

  /** Its holder gave it up. */
  aborted(record: TransferRecord): void {
    if (!record.isUnderWay) return;
    record.isAborted = true;
    const nowMs = this.#world.nowMs - (record.life.stoppedMs - record.stoppedMs);
    record.dueMs = Math.min(record.dueMs, nowMs + this.#flushMs + slackMs);
  }

  /** Its promise settled; `target` is what a read brought. */
  settled(
    record: TransferRecord,
    code: string,
    execution: Execution,
    target: Uint8Array | undefined,
  ): void {
    const { buffer } = record.request;
    if (!record.life.isAlive) this.#fail(record, 'settled after its domain crashed');
    if (!record.isUnderWay) this.#fail(record, `settled twice, now as ${code}`);
    this.#look(buffer);
    const problem =
      this.#problemOfCode(record, code, execution) ??
      this.#problemOfBytes(record, execution, target) ??
      (this.#isOverdue(record) ? 'settled late (B4)' : undefined);
    if (problem !== undefined) this.#fail(record, `${code} ${execution}: ${problem}`);
    this.#world.log(record.place.name, `${record.name}: ${code} ${execution}`);
    record.ended(execution, this.#world.nowMs, this.#step);
    this.#open.delete(record);
    this.tally[execution] += 1;
  }

  /** The owner takes it back: from now on it is memory like any other. */
  unregister(buffer: WatchedBuffer): void {
    this.#look(buffer);
    buffer.isLive = false;
    const askedMs = this.#world.nowMs;
    void buffer.registered?.unregister().then(() => {
      const isAtOnce = this.#world.nowMs === askedMs;
      this.#world.expect(isAtOnce, 'B6 unregister is over at once', buffer.place.name);
      this.#look(buffer);
      // Whoever reads this has had access after the end.
      buffer.storeSecret(this.#nextId++);
    });
  }

  /** The owner itself writes. */
  store(buffer: WatchedBuffer, from: number, bytes: Uint8Array): void {
    this.#look(buffer);
    buffer.store(this.#step, from, bytes);
  }

  takeBlocks(buffer: WatchedBuffer): void {
    this.#look(buffer);
    const ranges = buffer.registered?.takeWrittenBlocks() ?? [];
    const missed = buffer.findMissedBlock(ranges);
    const claim = `B10 block ${missed ?? 0} of buffer ${buffer.id} was written`;
    this.#world.expect(missed === undefined, claim, buffer.place.name);
    buffer.writtenBlocks.clear();
  }

  /** A domain has closed: nothing of its transfers may be left. */
  closed(place: Place): void {
    for (const record of this.#open) {
      if (record.life === place.life) this.#fail(record, 'its domain closed before it settled');
    }
  }

  #audit(): void {
    for (const record of this.#open) {
      if (!record.life.isAlive) {
        record.ended('maybe', this.#world.nowMs, this.#step);
        this.#open.delete(record);
      } else if (this.#isOverdue(record)) {
        this.#fail(record, 'does not settle (B4)');
      }
    }
    let endedCount = 0;
    for (const buffer of this.#buffers) {
      this.#look(buffer);
      if (!buffer.isLive) endedCount += 1;
      if (!buffer.life.isAlive) this.#buffers.delete(buffer);
    }
    if (endedCount > endedMax) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const buffer of this.#buffers) {
      const isUsed = buffer.isLive || buffer.records.some((record) => record.isUnderWay);
      if (isUsed) continue;
      this.#buffers.delete(buffer);
      return;
    }
  }

  #isOverdue(record: TransferRecord): boolean {
    const stoppedMs = record.life.stoppedMs - record.stoppedMs;
    return this.#world.nowMs - stoppedMs > record.dueMs;
  }

  /** Traces what has changed since the last look to who may have written it. */
  #look(buffer: WatchedBuffer): void {
    const change = buffer.findChange();
    this.#forgetPast(buffer);
    if (change === undefined) return;
    const { from, bytes } = change;
    for (let index = 0; index < bytes.length; index++) {
      const at = from + index;
      const value = bytes[index] ?? 0;
      if (buffer.valueAt(at) === value) continue;
      if (!this.#trace(buffer, at, value)) return;
    }
    buffer.accept(this.#step, from, bytes);
  }

  #trace(buffer: WatchedBuffer, at: number, value: number): boolean {
    const unixMs = buffer.place.runtime.clock.unixMs();
    const writers = buffer.records.filter(
      (record) =>
        record.covers(at) &&
        record.byteAt(at) === value &&
        record.whyNotAt(at, this.#world.nowMs, unixMs) === undefined,
    );
    const where = `byte ${at} of buffer ${buffer.id} of ${buffer.place.name}`;
    if (!buffer.isLive || !buffer.isInside(at) || writers.length === 0) {
      const what = buffer.isLive ? 'changed' : 'changed after it was unregistered (B6)';
      this.#world.fail(`${where} ${what}: ${this.#suspect(buffer, at, value, unixMs)}`);
      return false;
    }
    for (const record of writers) {
      record.landed[at - record.request.from] = 1;
      if (writers.length === 1) record.hasSurelyLanded = true;
    }
    buffer.noteWritten(at);
    this.tally.bytesLanded += 1;
    return true;
  }

  #suspect(buffer: WatchedBuffer, at: number, value: number, unixMs: number): string {
    for (const record of [...buffer.records, ...buffer.past].reverse()) {
      if (!record.covers(at) || record.byteAt(at) !== value) continue;
      const why = record.whyNotAt(at, this.#world.nowMs, unixMs);
      return `${record.name} wrote it, but ${why ?? 'might'} (B5)`;
    }
    return 'nobody wrote this there (B4)';
  }

  #forgetPast(buffer: WatchedBuffer): void {
    const { records } = buffer;
    if (records.length < pastMax) return;
    const isOver = (record: TransferRecord): boolean =>
      !record.isUnderWay && this.#world.nowMs > record.endedMs + buffer.fenceMs;
    if (!records.some(isOver)) return;
    buffer.past.push(...records.filter(isOver));
    buffer.past.splice(0, Math.max(0, buffer.past.length - pastMax));
    buffer.records = records.filter((record) => !isOver(record));
  }

  #problemOfCode(record: TransferRecord, code: string, execution: Execution): string | undefined {
    const { expected, buffer, expiresMs, isRestricted, timeoutMs } = record.request;
    const isAtOnce = record.beganStep === this.#step;
    const isOwnersEnd = !buffer.isLive || !buffer.life.isAlive || buffer.place.isClosing;
    // Whoever closes refuses as DESTROYED, whatever he was asked.
    const isLeaving = record.place.isClosing;
    if (code === ErrorCode.Destroyed) return isLeaving ? undefined : 'nobody destroyed it';
    if (expected !== undefined) {
      // A buffer that this domain had before it restarted is stale before anything else.
      const isStale = code === ErrorCode.StaleReference && isOwnersEnd;
      const isRight = (code === expected || isStale) && execution === 'never' && isAtOnce;
      return isRight ? undefined : `it had to be refused at once as ${expected}`;
    }
    if (code === ErrorCode.Quota && execution !== 'never') return 'a refusal is never';
    if (commonCodes.has(code)) return undefined;
    switch (code) {
      case ErrorCode.Ok:
        return execution === 'done' ? undefined : 'a success is done';
      case ErrorCode.Cancelled:
        return record.isAborted ? undefined : 'nobody gave it up';
      case ErrorCode.Timeout:
        return this.#world.nowMs >= record.beganMs + timeoutMs ? undefined : 'too early';
      case ErrorCode.StaleReference:
        return isOwnersEnd ? undefined : 'its buffer is registered';
      case ErrorCode.ExpiredReference:
        return buffer.place.runtime.clock.unixMs() >= expiresMs ? undefined : 'it is not';
      case ErrorCode.AccessDenied:
        return isRestricted ? undefined : 'everybody may';
      default:
        return 'no transfer ends so';
    }
  }

  #problemOfBytes(
    record: TransferRecord,
    execution: Execution,
    target: Uint8Array | undefined,
  ): string | undefined {
    const { isWrite, buffer, from, byteLength } = record.request;
    if (execution === 'never' && record.hasSurelyLanded) return 'a part of it landed (B5)';
    if (execution !== 'done' || !buffer.life.isAlive) return undefined;
    for (let index = 0; index < byteLength; index++) {
      const at = from + index;
      if (isWrite) {
        const isThere = record.hasLandedAt(at) || buffer.valueAt(at) === record.byteAt(at);
        const isHidden = !buffer.isLive || buffer.mayBeOverwritten(record, at);
        if (!isThere && !isHidden) return `byte ${at} never landed (B5)`;
      } else if (!buffer.mayHaveHeld(record, at, target?.[index] ?? -1)) {
        return `byte ${at} was never ${target?.[index] ?? -1} (B4)`;
      }
    }
    return undefined;
  }

  #fail(record: TransferRecord, what: string): void {
    this.#world.fail(`${record.name}: ${what}`);
  }
}
