/** The thread at the other end of a ring: it dials, floods, and tells its parent of each epoch. */
import { parentPort, workerData } from 'node:worker_threads';

import { createDomain } from 'idc';

import { ring, type RingOptions } from '../../transports/ring/index.js';
import { Flood } from './transport-flood.js';
import { limits, quota } from './transport-peer.js';

export interface ThreadOptions {
  readonly address: string;
  readonly memory: RingOptions['memory'];
  readonly seed: number;
}

// reason: the parent made the data from this type
const { address, memory, seed } = workerData as ThreadOptions;
const flood = new Flood(seed);
const transports = [ring({ ringBytes: 16 * 1024, ...(memory === undefined ? {} : { memory }) })];
const domain = createDomain({ name: 'thread', transports, quota, limits });
domain.createEndpoint(address, flood.handlers);
parentPort?.once('message', () => {
  void domain.close().then(() => {
    parentPort?.postMessage({ received: flood.receivedCount });
    parentPort?.close();
  });
});
