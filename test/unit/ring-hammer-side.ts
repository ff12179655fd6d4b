/** One of the two threads of ring-hammer.test.ts: the writer, or the reader that checks. */
import { parentPort, workerData } from 'node:worker_threads';

import { frameBytesLimit, viewMemory } from '../../transports/ring/ring-layout.js';
import { RingReader } from '../../transports/ring/ring-reader.js';
import { RingWriter } from '../../transports/ring/ring-writer.js';
import { Sleeper } from '../../transports/ring/sleeper.js';

export interface HammerJob {
  readonly sends: boolean;
  readonly ringBytes: number;
  /** Waits for the doorbell when there is nothing to do; else it looks again and again. */
  readonly sleeps: boolean;
  readonly own: SharedArrayBuffer;
  readonly peer: SharedArrayBuffer;
  /** A count of doorbells for each side: the writer's, the reader's. */
  readonly bells: SharedArrayBuffer;
  readonly seed: number;
  readonly runMs: number;
}

export interface HammerResult {
  readonly records: number;
  readonly bytes: number;
  readonly rings: number;
  readonly sleeps: number;
  /** What went wrong; empty if nothing did. */
  readonly fault: string;
}

/** A doorbell that does not come in so long is a lost one. */
const patienceMs = 20_000;

/** On a busy machine two threads that never sleep get little done in a given time. */
const recordsMin = 200;

/** Both threads draw the same lengths from the same seed. */
class Lengths {
  #state: number;
  readonly #limit: number;

  constructor(seed: number, limit: number) {
    this.#state = seed | 1;
    this.#limit = limit;
  }

  /** Mostly short, each length up to the limit now and then; at least one word for the number. */
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    const limit = (state & 7) === 0 ? this.#limit : Math.min(this.#limit, 64);
    return 4 + ((state >>> 3) % (limit - 3));
  }
}

/** Byte `index` of a record; the first four bytes are the record's number. */
function byteOf(record: number, index: number): number {
  return index < 4 ? (record >>> (index * 8)) & 255 : (record * 31 + index * 7) & 255;
}

class Side {
  records = 0;
  bytes = 0;
  rings = 0;
  sleeps = 0;
  readonly #job: HammerJob;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #sleeper: Sleeper;
  readonly #bells: Int32Array;
  readonly #lengths: Lengths;
  readonly #index: number;

  constructor(job: HammerJob) {
    const own = viewMemory(job.own, job.ringBytes);
    const peer = viewMemory(job.peer, job.ringBytes);
    this.#job = job;
    this.#index = job.sends ? 0 : 1;
    this.#writer = new RingWriter(own, peer);
    this.#reader = new RingReader(peer, own);
    this.#sleeper = new Sleeper(own);
    this.#bells = new Int32Array(job.bells);
    this.#lengths = new Lengths(job.seed, frameBytesLimit(job.ringBytes));
  }

  send(): string {
    const endMs = performance.now() + this.#job.runMs;
    while (performance.now() < endMs || this.records < recordsMin) {
      for (let count = 0; count < 32; count++) {
        const byteLength = this.#lengths.next();
        let offset = this.#writer.claim(byteLength);
        while (offset < 0) {
          if (this.#writer.isCorrupt) return 'corrupt';
          this.#ringIf(this.#writer.publish());
          if (!this.#writer.takeWritable() && !this.#sleep(true)) return 'a doorbell was lost';
          offset = this.#writer.claim(byteLength);
        }
        const { bytes } = this.#writer;
        for (let index = 0; index < byteLength; index++) {
          bytes[offset + index] = byteOf(this.records, index);
        }
        this.#writer.commit();
        this.records++;
        this.bytes += byteLength;
      }
      this.#ringIf(this.#writer.publish());
    }
    this.#ringIf(this.#writer.end());
    return '';
  }

  receive(): string {
    for (;;) {
      const offset = this.#reader.peek();
      if (offset === -2) return 'corrupt';
      if (offset === -1) {
        this.#ringIf(this.#reader.publish());
        if (this.#reader.isPeerEnded) return '';
        if (!this.#sleep(false)) return 'a doorbell was lost';
        continue;
      }
      const byteLength = this.#lengths.next();
      if (this.#reader.peekedBytes !== byteLength) return `record ${this.records}: another length`;
      const { bytes } = this.#reader;
      for (let index = 0; index < byteLength; index++) {
        if (bytes[offset + index] === byteOf(this.records, index)) continue;
        return `record ${this.records}: byte ${index} of ${byteLength} is another one`;
      }
      this.#reader.release();
      this.records++;
      this.bytes += byteLength;
    }
  }

  #ringIf(isAsked: boolean): void {
    if (!isAsked) return;
    this.rings++;
    Atomics.add(this.#bells, 1 - this.#index, 1);
    Atomics.notify(this.#bells, 1 - this.#index);
  }

  /** False if the doorbell did not ring although there is something to do. */
  #sleep(wantsSpace: boolean): boolean {
    if (!this.#job.sleeps) return true;
    const heard = Atomics.load(this.#bells, this.#index);
    this.sleeps++;
    this.#sleeper.sleep(wantsSpace);
    const isSaved = wantsSpace
      ? this.#writer.takeWritable()
      : this.#reader.peek() >= 0 || this.#reader.isPeerEnded;
    const answer = isSaved ? 'ok' : Atomics.wait(this.#bells, this.#index, heard, patienceMs);
    this.#sleeper.wake();
    return answer !== 'timed-out';
  }
}

// The thread that starts this one gives it a job.
const job = workerData as HammerJob;
const side = new Side(job);
const fault = job.sends ? side.send() : side.receive();
const { records, bytes, rings, sleeps } = side;
const result: HammerResult = { records, bytes, rings, sleeps, fault };
parentPort?.postMessage(result);
