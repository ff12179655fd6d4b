/**
 * A driver made with the kit, over a ring between two processes: its one transaction has parameters
 * and a status of 64 bytes each, so it stands beside the raw transaction of that size.
 */
import { createDomain, type Domain } from 'idc';
import { createBackEnd, createFrontEnd, type FrontEnd } from 'idc/drivers/kit';
import { ring } from 'idc/ring';

import { mover, parameters, status, type Mover } from '../../drivers/kit/mover.js';
import type { Durations } from '../durations.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd } from '../start-far-end.js';

function createRingDomain(name: string): Domain {
  return createDomain({ name, transports: [ring({ memory: 'mapped' })], wait: 'adaptive' });
}

class KitSession implements Session {
  readonly note: string = 'a typed transaction; raw: submitTransaction, both wait adaptive';
  readonly #device: FrontEnd<Mover>;
  readonly #close: () => Promise<void>;

  constructor(device: FrontEnd<Mover>, close: () => Promise<void>) {
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
