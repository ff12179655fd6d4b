/**
 * A driver made with the kit, over a ring between two processes: its one transaction has parameters
 * and a status of 64 bytes each, so it stands beside the raw transaction of that size.
 */
import { createDomain, type Domain } from 'idc';
import {
  createBackEnd,
  createFrontEnd,
  defineProtocol,
  type FrontEnd,
  type Protocol,
} from 'idc/drivers/kit';
import { ring } from 'idc/ring';

import type { Durations } from '../durations.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd } from '../start-far-end.js';

const schema = {
  name: 'mover',
  version: 1,
  transactions: {
    move: {
      parameters: {
        offset: 'uint53',
        byteLength: 'uint32',
        flags: 'uint8',
        data: { bytes: 64, lent: true },
      },
      status: { count: 'uint32', data: { bytes: 64 } },
      effect: 'idempotent',
    },
  },
} as const;
const mover: Protocol<typeof schema> = defineProtocol(schema);

/** With their heads, lengths and numbers, both have 64 bytes. */
const parameters = { offset: 3_000_000_000, byteLength: 53, flags: 1, data: new Uint8Array(55) };
const status = { count: 2_000_000, data: new Uint8Array(60) };

function createRingDomain(name: string): Domain {
  return createDomain({ name, transports: [ring({ memory: 'mapped' })], wait: 'adaptive' });
}

class KitSession implements Session {
  readonly note: string = 'a typed transaction; raw: submitTransaction, both wait adaptive';
  readonly #device: FrontEnd<typeof schema>;
  readonly #close: () => Promise<void>;

  constructor(device: FrontEnd<typeof schema>, close: () => Promise<void>) {
    this.#device = device;
    this.#close = close;
  }

  flood(): Promise<number> {
    return Promise.reject(new Error('a driver is measured by round trips alone'));
  }

  async roundTrips(_: unknown, durations: Durations, durationMs: number): Promise<void> {
    let startMs = performance.now();
    const endMs = startMs + durationMs;
    while (startMs < endMs) {
      await this.#device.move(parameters);
      const nowMs = performance.now();
      durations.add(nowMs - startMs);
      startMs = nowMs;
    }
  }

  close(): Promise<void> {
    return this.#close();
  }
}

export const idcKit: Subject = {
  open: async (job) => {
    const farEnd = await startFarEnd(job);
    const front = createRingDomain('front');
    const device = createFrontEnd(front, farEnd.address, mover);
    await device.ready();
    return new KitSession(device, async () => {
      await front.close();
      await farEnd.stop();
    });
  },
  serve: async () => {
    const address = `ring://idc-bench-kit-${process.pid}/mover`;
    return createBackEnd(createRingDomain('back'), address, mover, { move: () => status }).ready;
  },
};
