/**
 * Peer `messageport`: two threads of one process and a MessageChannel of node:worker_threads.
 *
 * A body is posted as it is, so that it is copied by structured clone: for 1 MiB that was twice as
 * fast as `slice` and a transfer. Ports have no flow control; the far end returns what it got in
 * batches. Draining with `receiveMessageOnPort` gained nothing.
 */
import { MessageChannel, parentPort, type MessagePort } from 'node:worker_threads';

import type { Durations } from '../durations.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import { PingPong } from '../ping-pong.js';
import type { Session, Subject } from '../session.js';
import { startFarEndThread, type FarEnd } from '../start-far-end.js';
import { Window, windowFor } from '../window.js';
import { itemBytesMax, workloads } from '../workload.js';

/** Ends a flood: what is left of a batch is returned. */
const endOfFlood = 0;

class MessagePortSession implements Session {
  readonly note: string;
  readonly #port: MessagePort;
  readonly #farEnd: FarEnd;
  readonly #window: Window;
  readonly #pingPong: PingPong;

  constructor(port: MessagePort, farEnd: FarEnd, itemsMax: number) {
    this.note = `structured clone, ${itemsMax} on the way at most`;
    this.#port = port;
    this.#farEnd = farEnd;
    this.#window = new Window(itemsMax);
    this.#pingPong = new PingPong((body) => {
      port.postMessage(body);
    });
    port.on('message', (answer: Uint8Array | number) => {
      if (typeof answer === 'number') this.#window.returned(answer);
      else this.#pingPong.answered();
    });
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let items = 0;
    while (performance.now() < endMs) {
      while (this.#window.take()) {
        this.#port.postMessage(payloads.next());
        items += 1;
      }
      await this.#window.whenReturned();
    }
    this.#port.postMessage(endOfFlood);
    await this.#window.whenEmpty();
    return items;
  }

  roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    return this.#pingPong.roundTrips(payloads, durations, durationMs);
  }

  async close(): Promise<void> {
    this.#port.close();
    await this.#farEnd.stop();
  }
}

async function open(job: Job): Promise<Session> {
  const farEnd = await startFarEndThread(job);
  const { port1, port2 } = new MessageChannel();
  farEnd.worker.postMessage(port2, [port2]);
  return new MessagePortSession(port1, farEnd, windowFor(itemBytesMax(job.workload)).itemsMax);
}

function serve(job: Job): Promise<string> {
  const echoes = workloads[job.workload].shape === 'round-trip';
  const { batch } = windowFor(itemBytesMax(job.workload));
  parentPort?.once('message', (port: MessagePort) => {
    let received = 0;
    port.on('message', (body: Uint8Array | number) => {
      if (echoes) {
        port.postMessage(body);
        return;
      }
      if (typeof body !== 'number') received += 1;
      if (typeof body === 'number' || received === batch) {
        port.postMessage(received);
        received = 0;
      }
    });
  });
  return Promise.resolve('');
}

export const messagePort: Subject = { open, serve };
