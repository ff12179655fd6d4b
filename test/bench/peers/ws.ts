/**
 * Peer `ws`: WebSocket between two processes, package ws, without compression.
 *
 * The near end is the server, because only a client has to mask what it sends, and it corks the
 * socket, which the upgrade request gives it, around each batch of small messages.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

import type { Durations } from '../durations.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import { PingPong } from '../ping-pong.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd, type FarEnd } from '../start-far-end.js';
import { itemBytesMax, workloads } from '../workload.js';

const host = '127.0.0.1';
/** Ends a flood, and is its answer: no payload is empty. */
const endOfFlood = new Uint8Array(0);

class WsSession implements Session {
  readonly note: string;
  readonly #server: WebSocketServer;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #farEnd: FarEnd;
  readonly #batch: number;
  readonly #pingPong: PingPong;

  constructor(server: WebSocketServer, connection: Connection, farEnd: FarEnd, batch: number) {
    this.note = `no compression, no masking, corked by ${batch}`;
    this.#server = server;
    this.#webSocket = connection.webSocket;
    this.#socket = connection.socket;
    this.#farEnd = farEnd;
    this.#batch = batch;
    this.#pingPong = new PingPong((body) => {
      this.#webSocket.send(body);
    });
    this.#webSocket.on('message', () => {
      this.#pingPong.answered();
    });
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let items = 0;
    while (performance.now() < endMs) {
      this.#socket.cork();
      for (let index = 0; index < this.#batch; index += 1) this.#webSocket.send(payloads.next());
      this.#socket.uncork();
      items += this.#batch;
      if (this.#socket.writableNeedDrain) await once(this.#socket, 'drain');
    }
    const ended = this.#pingPong.nextAnswer();
    this.#webSocket.send(endOfFlood);
    await ended;
    return items;
  }

  roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    return this.#pingPong.roundTrips(payloads, durations, durationMs);
  }

  async close(): Promise<void> {
    this.#webSocket.terminate();
    this.#server.close();
    await this.#farEnd.stop();
  }
}

interface Connection {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
}

async function open(job: Job): Promise<Session> {
  const server = new WebSocketServer({ port: 0, host, perMessageDeflate: false });
  await once(server, 'listening');
  const connected = new Promise<Connection>((resolve) => {
    server.once('connection', (webSocket: WebSocket, request: IncomingMessage) => {
      request.socket.setNoDelay(true);
      resolve({ webSocket, socket: request.socket });
    });
  });
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const farEnd = await startFarEnd(job, `ws://${host}:${port}`);
  const batch = itemBytesMax(job.workload) > 4096 ? 1 : 512;
  return new WsSession(server, await connected, farEnd, batch);
}

async function serve(job: Job, nearAddress: string): Promise<string> {
  const echoes = workloads[job.workload].shape === 'round-trip';
  const webSocket = new WebSocket(nearAddress, { perMessageDeflate: false });
  webSocket.on('message', (body: Buffer) => {
    if (echoes || body.byteLength === 0) webSocket.send(body);
  });
  await once(webSocket, 'open');
  return '';
}

export const ws: Subject = { open, serve };
