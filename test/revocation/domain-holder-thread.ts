/** A thread that uses another domain's buffer: carries out orders until it is terminated. */
import { parentPort, workerData } from 'node:worker_threads';

import { DomainHolder } from './domain-holder.js';
import type { DomainHolderOptions, DomainOrder } from './domain-orders.js';

const options = workerData as DomainHolderOptions; // the parent made it
const holder = new DomainHolder(options, (report) => parentPort?.postMessage(report));
parentPort?.on('message', (order: DomainOrder) => {
  holder.hear(order);
});
