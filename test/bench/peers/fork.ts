/**
 * Peer `fork`: two processes and the IPC channel of node:child_process, with `advanced`
 * serialization. Its flow control is the callback of `send`, which comes when the channel has
 * taken the message; one is asked for per batch.
 */
import type { ChildProcess } from 'node:child_process';

import type { Durations } from '../durations.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import { PingPong } from '../ping-pong.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd, type FarProcess } from '../start-far-end.js';
import { windowFor } from '../window.js';
import { itemBytesMax, workloads } from '../workload.js';

/** Ends a flood, and is its answer. */
const endOfFlood = 'end';

class ForkSession implements Session {
  readonly note: string;
  readonly #farEnd: FarProcess;
  readonly #channel: ChildProcess;
  readonly #batch: number;
  readonly #pingPong: PingPong;

  constructor(farEnd: FarProcess, batch: number) {
    this.note = `advanced serialization, batches of ${batch}`;
    this.#farEnd = farEnd;
    this.#channel = farEnd.process;
    this.#batch = batch;
    this.#pingPong = new PingPong((body) => this.#channel.send(body));
    this.#channel.on('message', () => {
      this.#pingPong.answered();
    });
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let items = 0;
    while (performance.now() < endMs) {
      for (let index = 1; index < this.#batch; index += 1) this.#channel.send(payloads.next());
      await this.#taken(payloads.next());
      items += this.#batch;
    }
    const ended = this.#pingPong.nextAnswer();
    this.#channel.send(endOfFlood);
    await ended;
    return items;
  }

  /** Sends `body`, and settles when the channel has taken it and all before it. */
  #taken(body: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#channel.send(body, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void> {
    return this.#pingPong.roundTrips(payloads, durations, durationMs);
  }

  close(): Promise<void> {
    return this.#farEnd.stop();
  }
}

async function open(job: Job): Promise<Session> {
  const { batch } = windowFor(itemBytesMax(job.workload));
  return new ForkSession(await startFarEnd(job), batch);
}

function serve(job: Job): Promise<string> {
  const echoes = workloads[job.workload].shape === 'round-trip';
  process.on('message', (body) => {
    if (echoes || body === endOfFlood) process.send?.(body);
  });
  return Promise.resolve('');
}

export const forkIpc: Subject = { open, serve };
