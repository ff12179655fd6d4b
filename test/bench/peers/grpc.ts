/**
 * Peers `grpc-tcp` and `grpc-unix`: package @grpc/grpc-js between two processes.
 *
 * Everything goes over one bidirectional stream, which is the fastest that gRPC has: a round trip
 * by unary calls takes several times as long. The near end is the server, because a server's
 * stream writes about twice as fast as a client's. Bodies are plain bytes: gRPC leaves
 * serialization to its user, and none is the fastest. The HTTP/2 window is raised for 1 MiB.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from '@grpc/grpc-js';

import type { Durations } from '../durations.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import { PingPong } from '../ping-pong.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd, type FarEnd } from '../start-far-end.js';
import { itemBytesMax, workloads } from '../workload.js';

const channelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc-node.flow_control_window': 16 * 1024 * 1024,
};

/** Ends a flood, and is its answer: no payload is empty. */
const endOfFlood = Buffer.alloc(0);

const exchange = {
  path: '/bench.Bench/Exchange',
  requestStream: true,
  responseStream: true,
  requestSerialize: passBuffer,
  requestDeserialize: passBuffer,
  responseSerialize: passBuffer,
  responseDeserialize: passBuffer,
} as const;

function passBuffer(body: Buffer): Buffer {
  return body;
}

/** The same bytes as a Buffer, which grpc-js demands. */
function asBuffer(body: Uint8Array): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

type NearStream = ServerDuplexStream<Buffer, Buffer>;

class GrpcSession implements Session {
  readonly note = 'one bidirectional stream, bodies of plain bytes';
  readonly #server: Server;
  readonly #stream: NearStream;
  readonly #farEnd: FarEnd;
  /** Writes between two looks at the clock. */
  readonly #batch: number;
  readonly #pingPong: PingPong;

  constructor(server: Server, stream: NearStream, farEnd: FarEnd, batch: number) {
    this.#server = server;
    this.#stream = stream;
    this.#farEnd = farEnd;
    this.#batch = batch;
    this.#pingPong = new PingPong((body) => stream.write(asBuffer(body)));
    stream.on('data', () => {
      this.#pingPong.answered();
    });
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let items = 0;
    while (performance.now() < endMs) {
      let hasRoom = true;
      for (let index = 0; index < this.#batch; index += 1) {
        hasRoom = this.#stream.write(asBuffer(payloads.next()));
      }
      items += this.#batch;
      if (!hasRoom) await once(this.#stream, 'drain');
    }
    const ended = this.#pingPong.nextAnswer();
    this.#stream.write(endOfFlood);
    await ended;
    return items;
  }

  roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    return this.#pingPong.roundTrips(payloads, durations, durationMs);
  }

  async close(): Promise<void> {
    this.#stream.end();
    this.#server.forceShutdown();
    await this.#farEnd.stop();
  }
}

async function open(job: Job, address: string, format: (port: number) => string): Promise<Session> {
  const server = new Server(channelOptions);
  const called = new Promise<NearStream>((resolve) => {
    server.addService({ exchange }, { exchange: resolve });
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const farEnd = await startFarEnd(job, format(port));
  const batch = itemBytesMax(job.workload) > 4096 ? 1 : 128;
  const stream = await called;
  return new GrpcSession(server, stream, farEnd, batch);
}

function serve(job: Job, nearAddress: string): Promise<string> {
  const echoes = workloads[job.workload].shape === 'round-trip';
  const client = new Client(nearAddress, credentials.createInsecure(), channelOptions);
  const stream = client.makeBidiStreamRequest(exchange.path, passBuffer, passBuffer);
  stream.on('data', (body: Buffer) => {
    if (echoes || body.byteLength === 0) stream.write(body);
  });
  // The near end shuts down by force; only then does the stream err.
  stream.on('error', () => process.exit());
  return Promise.resolve('');
}

export const grpcTcp: Subject = {
  open: (job) => open(job, '127.0.0.1:0', (port) => `127.0.0.1:${port}`),
  serve,
};

export const grpcUnix: Subject = {
  open: async (job) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'idc-bench-'));
    const address = `unix:${path.join(directory, 'socket')}`;
    const session = await open(job, address, () => address);
    // Both ends hold it open by now; the name is needed no longer.
    await rm(directory, { recursive: true });
    return session;
  },
  serve,
};
