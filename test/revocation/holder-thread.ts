/** A thread that holds a region: carries out orders until it is terminated. */
import { parentPort, workerData } from 'node:worker_threads';

import { Holder } from './holder.js';
import type { HolderOptions, Order } from './orders.js';

const options = workerData as HolderOptions; // the parent made it
const holder = new Holder(options, (report) => parentPort?.postMessage(report));
parentPort?.on('message', (order: Order) => {
  holder.hear(order);
});
