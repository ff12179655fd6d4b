/** The stripped loop over memory: two bare transports of one thread, polled in a plain loop. */
import {
  createRuntime,
  parseAddress,
  type Accept,
  type Address,
  type Transport,
} from 'idc/contract';
import { createMemoryNetwork, memory } from 'idc/memory';

import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import type { Session, Subject } from '../session.js';
import { itemBytesMax } from '../workload.js';
import { memoryMessagesMax } from './idc-memory.js';
import { StrippedReceiver, StrippedSender } from './stripped-ends.js';

const framesPerPoll = 256;

class StrippedMemorySession implements Session {
  readonly note = `bare transport, ${memoryMessagesMax} messages a turn`;
  readonly #front: Transport;
  readonly #back: Transport;
  readonly #sender: StrippedSender;
  readonly #receiver: StrippedReceiver;
  #sent = 0;

  constructor(front: Transport, back: Transport, itemBytes: number) {
    this.#front = front;
    this.#back = back;
    this.#sender = new StrippedSender();
    this.#receiver = new StrippedReceiver(memoryMessagesMax, itemBytes);
  }

  async open(address: Address): Promise<void> {
    this.#back.listen(address, acceptInto(this.#receiver));
    this.#sender.attach(this.#front.open(address, this.#sender, 'message'));
    for (let isUp = false; !isUp;) {
      this.#poll();
      isUp = await Promise.race([this.#sender.up.then(() => true), nextTurn()]);
    }
  }

  flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    const sentBefore = this.#sent;
    while (performance.now() < endMs) {
      this.#sent += this.#sendTurn(payloads);
      this.#poll();
    }
    while (this.#receiver.received < this.#sent) this.#poll();
    return Promise.resolve(this.#sent - sentBefore);
  }

  #sendTurn(payloads: Payloads): number {
    let items = 0;
    while (items < memoryMessagesMax && this.#sender.send(payloads.next())) items += 1;
    return items;
  }

  #poll(): void {
    this.#back.poll(framesPerPoll);
    this.#front.poll(framesPerPoll);
  }

  roundTrips(): Promise<void> {
    return Promise.reject(new Error('the stripped loop only sends one way'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What a listener does that takes one link and never fails. */
export function acceptInto(
  receiver: StrippedReceiver,
  take: Partial<Pick<Accept, 'accept' | 'listening' | 'failed'>> = {},
): Accept {
  return {
    listening: ignore,
    failed: (fault) => {
      throw new Error(`the stripped loop cannot listen: ${fault}`);
    },
    accept: () => receiver,
    closed: ignore,
    ...take,
  };
}

function ignore(): void {
  // Nothing follows from it here.
}

function nextTurn(): Promise<false> {
  return new Promise((resolve) => setImmediate(resolve, false));
}

function createTransports(): [Transport, Transport] {
  const factory = memory({ network: createMemoryNetwork() });
  const runtime = createRuntime();
  // The loop polls without being asked.
  const host = { runtime, wake: ignore };
  return [factory.create(host), factory.create(host)];
}

async function open(job: Job): Promise<Session> {
  const [front, back] = createTransports();
  const session = new StrippedMemorySession(front, back, itemBytesMax(job.workload));
  await session.open(parseAddress('memory://bench/service'));
  return session;
}

export const strippedMemory: Subject = {
  open,
  serve: () => Promise.reject(new Error('both ends of memory are in one thread')),
};
