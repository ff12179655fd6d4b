/**
 * Peer `ringbuf`: package ringbuf.js, a plain ring in a SharedArrayBuffer between two threads, as
 * the baseline of what such a ring gives from Node. One way only, records of one length without
 * headers, and no flow of control but the ring's own: both threads spin while it is full or empty.
 *
 * The far end spins in a flood alone: it is told of each one's beginning through its port.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';

import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import type { Session, Subject } from '../session.js';
import { startFarEndThread, type FarThread } from '../start-far-end.js';
import { itemBytesMax } from '../workload.js';

interface RingBuffer {
  push(elements: Uint8Array, length: number): number;
  pop(elements: Uint8Array, length: number): number;
  /** In elements, as all else here. */
  available_read(): number;
  available_write(): number;
}

interface RingBufferModule {
  readonly RingBuffer: RingBufferClass;
}

interface RingBufferClass {
  getStorageForCapacity(capacity: number, type: Uint8ArrayConstructor): SharedArrayBuffer;
  new (storage: SharedArrayBuffer, type: Uint8ArrayConstructor): RingBuffer;
}

const load = createRequire(import.meta.url);
const { RingBuffer } = load('ringbuf.js') as RingBufferModule; // Its declarations do not compile.

/** As ours; long records get room for some. */
const capacityMin = 256 * 1024;
const recordsMin = 4;
/** All payload bytes are 0, so a record that begins with 1 ends a flood. */
const endMark = 1;

class RingBufferSession implements Session {
  readonly note: string;
  readonly #ring: RingBuffer;
  readonly #farEnd: FarThread;
  readonly #endOfFlood: Uint8Array;

  constructor(ring: RingBuffer, farEnd: FarThread, itemBytes: number, capacity: number) {
    this.note = `SharedArrayBuffer of ${capacity / 1024} KiB, busy polling`;
    this.#ring = ring;
    this.#farEnd = farEnd;
    this.#endOfFlood = new Uint8Array(itemBytes).fill(endMark);
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const counted = once(this.#farEnd.worker, 'message');
    this.#farEnd.worker.postMessage('flood');
    const endMs = performance.now() + durationMs;
    let items = 0;
    while (performance.now() < endMs) items += this.#fill(payloads);
    while (!this.#push(this.#endOfFlood));
    const [received] = (await counted) as [number]; // The worker posts nothing else.
    if (received !== items) throw new Error(`${items} sent, ${received} received`);
    return items;
  }

  /** Answers how many records the ring took until it was full. */
  #fill(payloads: Payloads): number {
    let items = 0;
    // Only a record that fits is taken, for this ring takes parts as well.
    while (this.#push(payloads.next())) items += 1;
    return items;
  }

  #push(record: Uint8Array): boolean {
    if (this.#ring.available_write() < record.byteLength) return false;
    this.#ring.push(record, record.byteLength);
    return true;
  }

  roundTrips(): Promise<void> {
    return Promise.reject(new Error('a plain ring only goes one way'));
  }

  close(): Promise<void> {
    return this.#farEnd.stop();
  }
}

async function open(job: Job): Promise<Session> {
  const itemBytes = itemBytesMax(job.workload);
  const capacity = Math.max(capacityMin, recordsMin * itemBytes);
  const storage = RingBuffer.getStorageForCapacity(capacity, Uint8Array);
  const farEnd = await startFarEndThread(job);
  farEnd.worker.postMessage(storage);
  const ring = new RingBuffer(storage, Uint8Array);
  return new RingBufferSession(ring, farEnd, itemBytes, capacity);
}

function serve(job: Job): Promise<string> {
  const record = new Uint8Array(itemBytesMax(job.workload));
  parentPort?.once('message', (storage: SharedArrayBuffer) => {
    const ring = new RingBuffer(storage, Uint8Array);
    parentPort?.on('message', () => parentPort?.postMessage(countRecords(ring, record)));
  });
  return Promise.resolve('');
}

/** Takes all records of one flood, each copied out into `record`. */
function countRecords(ring: RingBuffer, record: Uint8Array): number {
  for (let records = 0; ; records += 1) {
    while (ring.available_read() < record.byteLength);
    ring.pop(record, record.byteLength);
    if (record[0] === endMark) return records;
  }
}

export const ringBuf: Subject = { open, serve };
