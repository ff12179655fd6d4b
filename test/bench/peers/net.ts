/**
 * Peers `net` and `net-unix`: the bytes themselves over node:net, on loopback or through a Unix
 * socket, with no framing and no guarantee beyond the medium's. They show what the medium gives at
 * best from Node.
 *
 * The near end listens, because only a dialling socket can have `onread`, and the far end is the
 * one that reads much. Small bodies are written corked, so that they leave in one `writev` per
 * turn; bodies beyond 4 KiB are written in the size that was fastest when the session began.
 * Round trips sleep in the event loop.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Durations } from '../durations.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import { PingPong } from '../ping-pong.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd, type FarEnd } from '../start-far-end.js';
import { itemBytesMax, workloads } from '../workload.js';

const host = '127.0.0.1';
/** What the far end reads at most at once. 64 KiB and 4 MiB were no faster. */
const readBytes = 1024 * 1024;
const bulkWriteBytes = [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024] as const;
const calibrateMs = 100;
/** Small bodies handed over at once. 4,096 were no faster, 64 and 16,384 slower. */
const corkedItems = 1024;
/** Longer bodies are written as one stream of bytes. */
const corkedBytesMax = 4096;
/** All payload bytes are 0, so a last byte of 1 ends a flood. */
const endOfFlood = Uint8Array.of(1);

class NetSession implements Session {
  note = 'sleeping event loop';
  readonly #server: Server;
  readonly #socket: Socket;
  readonly #farEnd: FarEnd;
  readonly #pingPong: PingPong;
  #bulk: Uint8Array | undefined;

  /** `answerBytes`: of what ends a flood or answers a round trip. */
  constructor(server: Server, socket: Socket, farEnd: FarEnd, answerBytes: number) {
    this.#server = server;
    this.#socket = socket;
    this.#farEnd = farEnd;
    this.#pingPong = new PingPong((body) => socket.write(body));
    let received = 0;
    socket.on('data', (bytes) => {
      received += bytes.byteLength;
      if (received < answerBytes) return;
      received = 0;
      this.#pingPong.answered();
    });
  }

  flood(payloads: Payloads, durationMs: number): Promise<number> {
    return this.#bulk === undefined
      ? this.#floodCorked(payloads, durationMs)
      : this.#floodBulk(this.#bulk, payloads.next().byteLength, durationMs);
  }

  async #floodCorked(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let items = 0;
    while (performance.now() < endMs) {
      this.#socket.cork();
      for (let index = 0; index < corkedItems; index += 1) this.#socket.write(payloads.next());
      this.#socket.uncork();
      items += corkedItems;
      if (this.#socket.writableNeedDrain) await once(this.#socket, 'drain');
    }
    await this.#endFlood();
    return items;
  }

  async #floodBulk(bytes: Uint8Array, itemBytes: number, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let writes = 0;
    while (performance.now() < endMs) {
      if (!this.#socket.write(bytes)) await once(this.#socket, 'drain');
      writes += 1;
    }
    await this.#endFlood();
    return (writes * bytes.byteLength) / itemBytes;
  }

  async #endFlood(): Promise<void> {
    const ended = this.#pingPong.nextAnswer();
    this.#socket.write(endOfFlood);
    await ended;
  }

  /** Finds the fastest size of writes, for the floods to come. */
  async calibrate(): Promise<void> {
    let best = 0;
    for (const writeBytes of bulkWriteBytes) {
      const bytes = new Uint8Array(writeBytes);
      const startMs = performance.now();
      const items = await this.#floodBulk(bytes, 1, calibrateMs);
      const rate = items / (performance.now() - startMs);
      if (rate <= best) continue;
      best = rate;
      this.#bulk = bytes;
      this.note = `writes of ${writeBytes / 1024} KiB, reads of up to ${readBytes / 1024} KiB`;
    }
  }

  roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    return this.#pingPong.roundTrips(payloads, durations, durationMs);
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    this.#server.close();
    await this.#farEnd.stop();
  }
}

/** At `socketPath`, or over TCP. */
async function open(job: Job, socketPath?: string): Promise<Session> {
  const server = createServer({ noDelay: socketPath === undefined });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  server.listen(socketPath === undefined ? { port: 0, host } : { path: socketPath });
  await once(server, 'listening');
  const farEnd = await startFarEnd(job, socketPath ?? String(portOf(server)));
  const session = new NetSession(server, await accepted, farEnd, answerBytesOf(job));
  if (workloads[job.workload].shape === 'round-trip') return session;
  if (itemBytesMax(job.workload) > corkedBytesMax) await session.calibrate();
  else session.note = `corked by ${corkedItems}`;
  return session;
}

function answerBytesOf({ workload }: Job): number {
  return workloads[workload].shape === 'flood' ? endOfFlood.byteLength : itemBytesMax(workload);
}

function portOf(server: Server): number {
  const address = server.address() as AddressInfo; // It listens on TCP.
  return address.port;
}

/** `nearAddress` is a port or a path. */
async function serve(job: Job, nearAddress: string): Promise<string> {
  const echoes = workloads[job.workload].shape === 'round-trip';
  const answer = echoes ? new Uint8Array(answerBytesOf(job)) : endOfFlood;
  const buffer = new Uint8Array(readBytes);
  let received = 0;
  const isPath = path.isAbsolute(nearAddress);
  const socket = connect({
    ...(isPath ? { path: nearAddress } : { port: Number(nearAddress), host, noDelay: true }),
    onread: {
      buffer,
      callback: (byteLength) => {
        received += byteLength;
        const ended = echoes ? received === answer.byteLength : buffer[byteLength - 1] === 1;
        if (!ended) return true;
        received = 0;
        socket.write(answer);
        return true;
      },
    },
  });
  await once(socket, 'connect');
  return '';
}

export const rawNet: Subject = { open: (job) => open(job), serve };

export const rawUnix: Subject = {
  open: async (job) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'idc-bench-'));
    const session = await open(job, path.join(directory, 'socket'));
    // Both ends hold it open by now; the name is needed no longer.
    await rm(directory, { recursive: true });
    return session;
  },
  serve,
};
