/**
 * Flow: one direction of a line. What comes from one socket goes to the other, in order, at the
 * pace of the day, and as long as nobody tampers with it unchanged.
 */
import type { Socket } from 'node:net';

import { between, type Random } from '../compliance/random.js';
import { firstRecord, RecordCursor } from './records.js';
import type { Tamper } from './tamper.js';

export type Pace =
  | { readonly kind: 'free' }
  /** Bytes stay where they are. */
  | { readonly kind: 'silent' }
  /** Each piece is held for a random time; order is kept. */
  | { readonly kind: 'delay'; readonly random: Random; readonly delayMsMax: number }
  /** A trickle. */
  | { readonly kind: 'slow'; readonly bytesPerMs: number };

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** With more than so much the source has to wait. */
const queuedBytesMax = 256 * 1024;
/** A trickle goes in pieces of so many bytes. */
const trickleBytes = 48;

export class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #cursor = new RecordCursor();
  readonly #onTampered: () => void;
  #pace: Pace;
  #queue: Piece[] = [];
  #queuedBytes = 0;
  #dueMs = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  #isEnded = false;
  #tamper: Tamper | undefined = undefined;
  /** The beginning of a record that may be tampered with once it is whole. */
  #held: Buffer = Buffer.alloc(0);

  constructor(from: Socket, to: Socket, pace: Pace, onTampered: () => void) {
    this.#from = from;
    this.#to = to;
    this.#pace = pace;
    this.#onTampered = onTampered;
    from.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    from.on('end', () => {
      this.#isEnded = true;
      this.#pump();
    });
    to.on('drain', () => {
      this.#pump();
    });
    to.on('close', () => {
      clearTimeout(this.#timer);
      this.#pump();
    });
    this.#pump();
  }

  set pace(pace: Pace) {
    this.#pace = pace;
    this.#dueMs = 0;
    // What was held for some time goes by the new pace.
    this.#queue = this.#queue.map(({ bytes }) => ({ bytes, dueMs: 0 }));
    this.#pump();
  }

  set tamper(tamper: Tamper) {
    this.#tamper = tamper;
  }

  #take(chunk: Buffer): void {
    if (this.#tamper === undefined) {
      this.#cursor.follow(chunk);
      this.#push(chunk);
    } else {
      this.#takeTampered(this.#tamper, chunk);
    }
    this.#pump();
  }

  #takeTampered(tamper: Tamper, chunk: Buffer): void {
    // Once it is cut, nothing follows.
    if (this.#isEnded) return;
    let rest: Buffer = Buffer.concat([this.#held, chunk]);
    if (!this.#cursor.isAligned) {
      const start = this.#cursor.advance(rest, 0);
      this.#push(rest.subarray(0, start));
      rest = rest.subarray(start);
    }
    while (!tamper.isDone) {
      const record = this.#cursor.isAligned ? firstRecord(rest) : undefined;
      if (record === undefined) break;
      this.#push(tamper.take(record));
      rest = rest.subarray(record.length);
    }
    this.#held = rest;
    if (!tamper.isDone) return;
    this.#onTampered();
    this.#held = Buffer.alloc(0);
    if (tamper.isCut) {
      this.#isEnded = true;
      this.#to.once('finish', () => this.#from.resetAndDestroy());
      return;
    }
    this.#tamper = undefined;
    this.#cursor.follow(rest);
    this.#push(rest);
  }

  #push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const nowMs = performance.now();
    if (this.#pace.kind === 'delay') {
      const delayMs = between(this.#pace.random, 0, this.#pace.delayMsMax);
      this.#dueMs = Math.max(this.#dueMs, nowMs + delayMs);
    }
    this.#queue.push({ bytes, dueMs: this.#dueMs });
    this.#queuedBytes += bytes.length;
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (!this.#to.writable) this.#drop();
    else this.#write();
    const isFull = this.#queuedBytes > queuedBytesMax || this.#pace.kind === 'silent';
    if (isFull && this.#to.writable) this.#from.pause();
    else this.#from.resume();
  }

  /** Nobody is there to read it; what comes is read to its end. */
  #drop(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #write(): void {
    while (this.#pace.kind !== 'silent' && !this.#to.writableNeedDrain) {
      const piece = this.#queue[0];
      if (piece === undefined) {
        if (this.#isEnded) this.#to.end();
        return;
      }
      const waitMs = piece.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => {
          this.#pump();
        }, waitMs);
        return;
      }
      this.#writeSome(piece);
    }
  }

  #writeSome(piece: Piece): void {
    const { bytes } = piece;
    this.#queue.shift();
    if (this.#pace.kind !== 'slow' || bytes.length <= trickleBytes) {
      this.#queuedBytes -= bytes.length;
      this.#to.write(bytes);
    } else {
      this.#queuedBytes -= trickleBytes;
      this.#to.write(bytes.subarray(0, trickleBytes));
      this.#queue.unshift({ bytes: bytes.subarray(trickleBytes), dueMs: 0 });
    }
    if (this.#pace.kind !== 'slow') return;
    const dueMs = performance.now() + Math.min(bytes.length, trickleBytes) / this.#pace.bytesPerMs;
    const next = this.#queue.shift();
    if (next !== undefined) this.#queue.unshift({ bytes: next.bytes, dueMs });
  }
}
