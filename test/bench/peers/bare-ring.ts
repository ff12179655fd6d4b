/**
 * Peer `bare-ring`: two plain loops over one piece of shared memory, which is what this machine's
 * two processors give to a program in JavaScript at best. No guarantee, no credit and no header but
 * a length: records of one size are stored word by word from one source, and copied out likewise.
 *
 * The far end spins in a run alone: it is told of each one's beginning through its IPC channel.
 */
import {
  loadNative,
  MapFlag,
  OpenFlag,
  Protection,
  type Native,
} from '../../../transports/ring/native.js';
import { createFile } from '../../../transports/ring/sealed-file.js';
import type { Durations } from '../durations.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd, type FarProcess } from '../start-far-end.js';
import { itemBytesMax } from '../workload.js';

/** As ours. */
const ringBytes = 256 * 1024;
/** Whoever writes tells it after so many bytes, and whoever reads after so many. */
const producedBytes = 2 * 1024;
const consumedBytes = 16 * 1024;

/** Words of the memory, each at the beginning of a pair of cache lines. Then the two rings. */
const Place = { Produced: 0, Answered: 32, Consumed: 64, AnswersConsumed: 96 } as const;
const ringsFrom = 128;

/** One direction, of which a process has one end. Counts of records; no bench sends 2^31. */
class BareRing {
  readonly #words: Int32Array;
  readonly #producedAt: number;
  readonly #consumedAt: number;
  readonly #start: number;
  readonly #stride: number;
  readonly #records: number;
  readonly #producedEvery: number;
  readonly #consumedEvery: number;
  readonly #record: Int32Array;
  #count = 0;
  #index = 0;
  #told = 0;
  #known = 0;

  constructor(words: Int32Array, itemBytes: number, producedAt: number, consumedAt: number) {
    this.#words = words;
    this.#producedAt = producedAt;
    this.#consumedAt = consumedAt;
    this.#start = ringsFrom + (producedAt === Place.Produced ? 0 : ringBytes / 4);
    this.#stride = 2 + itemBytes / 4;
    this.#records = Math.floor(ringBytes / 4 / this.#stride);
    this.#producedEvery = Math.ceil(producedBytes / 4 / this.#stride);
    this.#consumedEvery = Math.ceil(consumedBytes / 4 / this.#stride);
    this.#record = new Int32Array(itemBytes / 4);
  }

  /** HOT: writes a record if there is room; `length` is all that tells it from others. */
  push(length: number): boolean {
    if (this.#count - this.#known >= this.#records) {
      this.#known = Atomics.load(this.#words, this.#consumedAt);
      if (this.#count - this.#known >= this.#records) return false;
    }
    const words = this.#words;
    const record = this.#record;
    let at = this.#start + this.#index * this.#stride;
    words[at] = length;
    at += 2;
    for (let index = 0; index < record.length; index++) words[at++] = record[index] ?? 0;
    this.#go();
    if (this.#count - this.#told >= this.#producedEvery) this.tell();
    return true;
  }

  /** HOT: what `push` wrote becomes visible. */
  tell(): void {
    this.#told = this.#count;
    Atomics.store(this.#words, this.#producedAt, this.#count);
  }

  /** HOT: copies the next record out, and answers its length; -1 if there is none. */
  pop(): number {
    if (this.#count === this.#known) {
      if (this.#told !== this.#count) this.#release();
      this.#known = Atomics.load(this.#words, this.#producedAt);
      if (this.#count === this.#known) return -1;
    }
    const words = this.#words;
    const record = this.#record;
    let at = this.#start + this.#index * this.#stride;
    const length = words[at] ?? 0;
    at += 2;
    for (let index = 0; index < record.length; index++) record[index] = words[at++] ?? 0;
    this.#go();
    if (this.#count - this.#told >= this.#consumedEvery) this.#release();
    return length;
  }

  #release(): void {
    this.#told = this.#count;
    Atomics.store(this.#words, this.#consumedAt, this.#count);
  }

  #go(): void {
    this.#count += 1;
    this.#index = this.#index + 1 === this.#records ? 0 : this.#index + 1;
  }
}

class BareRingSession implements Session {
  readonly note = `mapped memory, ${ringBytes / 1024} KiB, busy polling, no guarantees`;
  readonly #requests: BareRing;
  readonly #answers: BareRing;
  readonly #farEnd: FarProcess;
  readonly #itemBytes: number;

  constructor(words: Int32Array, farEnd: FarProcess, itemBytes: number) {
    this.#requests = new BareRing(words, itemBytes, Place.Produced, Place.Consumed);
    this.#answers = new BareRing(words, itemBytes, Place.Answered, Place.AnswersConsumed);
    this.#farEnd = farEnd;
    this.#itemBytes = itemBytes;
  }

  flood(_payloads: Payloads, durationMs: number): Promise<number> {
    this.#farEnd.process.send('flood');
    const endMs = performance.now() + durationMs;
    let items = 0;
    while (performance.now() < endMs) {
      while (this.#requests.push(this.#itemBytes)) items += 1;
    }
    const received = this.#ask(0);
    if (received !== items) throw new Error(`${items} sent, ${received} received`);
    return Promise.resolve(items);
  }

  roundTrips(_payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    this.#farEnd.process.send('round-trip');
    // The first finds the far end on its way from its event loop.
    this.#ask(this.#itemBytes);
    let startMs = performance.now();
    const endMs = startMs + durationMs;
    while (startMs < endMs) {
      this.#ask(this.#itemBytes);
      const nowMs = performance.now();
      durations.add(nowMs - startMs);
      startMs = nowMs;
    }
    this.#ask(0);
    return Promise.resolve();
  }

  /** A record of this length, and the answer's; 0 ends a run. */
  #ask(length: number): number {
    while (!this.#requests.push(length));
    this.#requests.tell();
    for (;;) {
      const answer = this.#answers.pop();
      if (answer >= 0) return answer;
    }
  }

  close(): Promise<void> {
    return this.#farEnd.stop();
  }
}

function native(): Native {
  const loaded = loadNative();
  if (loaded === undefined) throw new Error('package koffi is not installed');
  return loaded;
}

function mapWords(descriptor: number): Int32Array {
  const byteLength = memoryBytes();
  const both = Protection.Read | Protection.Write;
  const address = native().map(0n, byteLength, both, MapFlag.Shared, descriptor);
  if (typeof address === 'number') throw new Error(`mmap: error ${-address}`);
  return new Int32Array(native().view(address, byteLength));
}

function memoryBytes(): number {
  return Math.ceil((ringsFrom * 4 + 2 * ringBytes) / native().pageBytes) * native().pageBytes;
}

async function open(job: Job): Promise<Session> {
  const descriptor = createFile(native(), 'idc-bench', memoryBytes());
  if (descriptor < 0) throw new Error(`memfd_create: error ${-descriptor}`);
  const words = mapWords(descriptor);
  const farEnd = await startFarEnd(job, `/proc/${process.pid}/fd/${descriptor}`);
  return new BareRingSession(words, farEnd, itemBytesMax(job.workload));
}

function serve(job: Job, nearAddress: string): Promise<string> {
  const descriptor = native().open(nearAddress, OpenFlag.ReadWrite);
  if (descriptor < 0) throw new Error(`${nearAddress}: error ${-descriptor}`);
  const words = mapWords(descriptor);
  const itemBytes = itemBytesMax(job.workload);
  const requests = new BareRing(words, itemBytes, Place.Produced, Place.Consumed);
  const answers = new BareRing(words, itemBytes, Place.Answered, Place.AnswersConsumed);
  process.on('message', (shape) => {
    serveRun(requests, answers, shape === 'round-trip');
  });
  return Promise.resolve('');
}

/** Takes the records of one run; each is answered, or the last alone, with how many there were. */
function serveRun(requests: BareRing, answers: BareRing, isAnswered: boolean): void {
  for (let records = 0; ;) {
    const length = requests.pop();
    if (length < 0) continue;
    if (length > 0) records += 1;
    if (length > 0 && !isAnswered) continue;
    while (!answers.push(length > 0 ? length : records));
    answers.tell();
    if (length === 0) return;
  }
}

export const bareRing: Subject = { open, serve };
