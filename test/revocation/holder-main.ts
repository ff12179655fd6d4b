/** A process that holds a region: carries out orders, and ends with its parent. */
import koffi from 'koffi';

import { Holder } from './holder.js';
import type { HolderOptions, Order } from './orders.js';

const setParentDeathSignal = 1;
const killed = 9;
const prctl: (option: number, value: number) => number = koffi
  .load('libc.so.6')
  .func('int prctl(int, uint64_t)');

// While it is stopped it does not see its parent go: the kernel does.
prctl(setParentDeathSignal, killed);
const options = JSON.parse(process.argv[2] ?? '') as HolderOptions; // the parent wrote it
const holder = new Holder(options, (report) => process.send?.(report));
process.on('message', (order: Order) => {
  holder.hear(order);
});
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
