/**
 * Peers `zeromq-tcp` and `zeromq-ipc`: package zeromq (libzmq) between two processes.
 *
 * One Dealer socket on each side; Push/Pull and Pair gave the same rates within the noise. A send
 * has to be awaited, since only one may be pending. The high-water marks are the best of 4 to
 * 100,000: longer queues were slower.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Dealer } from 'zeromq';

import type { Durations } from '../durations.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd, type FarEnd } from '../start-far-end.js';
import { itemBytesMax, workloads } from '../workload.js';

/** Ends a flood, and is its answer: no payload is empty. */
const endOfFlood = new Uint8Array(0);

class ZeromqSession implements Session {
  readonly note: string;
  readonly #socket: Dealer;
  readonly #farEnd: FarEnd;
  /** Sends between two looks at the clock. */
  readonly #batch: number;

  constructor(socket: Dealer, farEnd: FarEnd, batch: number) {
    this.note = `dealer to dealer, high-water mark ${socket.sendHighWaterMark}`;
    this.#socket = socket;
    this.#farEnd = farEnd;
    this.#batch = batch;
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let items = 0;
    while (performance.now() < endMs) {
      for (let index = 0; index < this.#batch; index += 1) {
        await this.#socket.send(payloads.next());
      }
      items += this.#batch;
    }
    await this.#socket.send(endOfFlood);
    await this.#socket.receive();
    return items;
  }

  async roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    let startMs = performance.now();
    const endMs = startMs + durationMs;
    while (startMs < endMs) {
      await this.#socket.send(payloads.next());
      await this.#socket.receive();
      const nowMs = performance.now();
      durations.add(nowMs - startMs);
      startMs = nowMs;
    }
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#farEnd.stop();
  }
}

function makeDealer(job: Job): Dealer {
  const highWaterMark = itemBytesMax(job.workload) > 4096 ? 16 : 1000;
  return new Dealer({
    sendHighWaterMark: highWaterMark,
    receiveHighWaterMark: highWaterMark,
    linger: 0,
  });
}

async function open(job: Job, nearAddress: string): Promise<Session> {
  const socket = makeDealer(job);
  await socket.bind(nearAddress);
  const farEnd = await startFarEnd(job, socket.lastEndpoint ?? '');
  // It connects in the background; once it has answered, it needs the name no longer.
  await socket.send(endOfFlood);
  await socket.receive();
  return new ZeromqSession(socket, farEnd, itemBytesMax(job.workload) > 4096 ? 1 : 64);
}

function serve(job: Job, nearAddress: string): Promise<string> {
  const echoes = workloads[job.workload].shape === 'round-trip';
  const socket = makeDealer(job);
  socket.connect(nearAddress);
  void answerAll(socket, echoes);
  return Promise.resolve('');
}

async function answerAll(socket: Dealer, echoes: boolean): Promise<never> {
  for (;;) {
    const [body] = await socket.receive();
    if (body !== undefined && (echoes || body.byteLength === 0)) await socket.send(body);
  }
}

export const zeromqTcp: Subject = { open: (job) => open(job, 'tcp://127.0.0.1:*'), serve };

export const zeromqIpc: Subject = {
  open: async (job) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'idc-bench-'));
    const session = await open(job, `ipc://${path.join(directory, 'socket')}`);
    // Both ends hold it open by now; the name is needed no longer.
    await rm(directory, { recursive: true });
    return session;
  },
  serve,
};
