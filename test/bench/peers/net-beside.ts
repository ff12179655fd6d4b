/**
 * Peer `net-beside`: round trips over node:net while the same two processes move bytes over another
 * socket of node:net. It shows what one event loop at each end leaves at best.
 *
 * The near end writes once in each turn of its loop, and the far end reads once: whoever writes in
 * the callback of the write before keeps the other socket waiting for up to a second.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import type { Durations } from '../durations.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import { PingPong } from '../ping-pong.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd, type FarEnd } from '../start-far-end.js';
import { itemBytesMax } from '../workload.js';

const host = '127.0.0.1';
/** As much as a lane writes in a turn beside messages. */
const turnBytes = 64 * 1024;
/** A source larger than the processor's nearest caches. */
const sourceBytes = 16 * 1024 * 1024;

class NetBesideSession implements Session {
  readonly note = `writes of ${turnBytes / 1024} KiB, one in each turn`;
  movedBytes = 0;
  readonly #server: Server;
  readonly #bulk: Socket;
  readonly #farEnd: FarEnd;
  readonly #pingPong: PingPong;
  readonly #source = new Uint8Array(sourceBytes);
  #isFlooding = false;

  constructor(server: Server, bulk: Socket, asking: Socket, farEnd: FarEnd, itemBytes: number) {
    this.#server = server;
    this.#bulk = bulk;
    this.#farEnd = farEnd;
    this.#pingPong = new PingPong((body) => asking.write(body));
    let received = 0;
    asking.on('data', (bytes) => {
      received += bytes.byteLength;
      if (received < itemBytes) return;
      received = 0;
      this.#pingPong.answered();
    });
  }

  flood(): Promise<number> {
    return Promise.reject(new Error('each request is answered'));
  }

  async roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    this.#isFlooding = true;
    const flooded = this.#flood();
    await this.#pingPong.roundTrips(payloads, durations, durationMs);
    this.#isFlooding = false;
    await flooded;
  }

  async #flood(): Promise<void> {
    let start = 0;
    while (this.#isFlooding) {
      const part = this.#source.subarray(start, start + turnBytes);
      start = (start + turnBytes) % sourceBytes;
      await new Promise<void>((resolve) => {
        this.#bulk.write(part, () => setImmediate(resolve));
      });
      this.movedBytes += turnBytes;
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    await this.#farEnd.stop();
  }
}

async function open(job: Job): Promise<Session> {
  const server = createServer({ noDelay: true });
  const sockets: Socket[] = [];
  const accepted = new Promise<void>((resolve) => {
    server.on('connection', (socket) => {
      // The far end is the first to go.
      socket.on('error', () => socket.destroy());
      if (sockets.push(socket) === 2) resolve();
    });
  });
  server.listen({ port: 0, host });
  await once(server, 'listening');
  const address = server.address() as AddressInfo; // It listens on TCP.
  const farEnd = await startFarEnd(job, String(address.port));
  await accepted;
  const [bulk, asking] = sockets;
  if (bulk === undefined || asking === undefined) throw new Error('there are two sockets');
  return new NetBesideSession(server, bulk, asking, farEnd, itemBytesMax(job.workload));
}

/** Its first connection is the one that it only reads. */
async function serve({ workload }: Job, nearAddress: string): Promise<string> {
  const place = { port: Number(nearAddress), host, noDelay: true };
  const buffer = new Uint8Array(turnBytes);
  const bulk = connect({
    ...place,
    onread: {
      buffer,
      callback: () => {
        setImmediate(() => bulk.resume());
        return false;
      },
    },
  });
  await once(bulk, 'connect');
  const answer = new Uint8Array(itemBytesMax(workload));
  let received = 0;
  const answering = connect(place);
  answering.on('data', (bytes) => {
    received += bytes.byteLength;
    if (received < answer.byteLength) return;
    received = 0;
    answering.write(answer);
  });
  await once(answering, 'connect');
  return '';
}

export const netBeside: Subject = { open, serve };
