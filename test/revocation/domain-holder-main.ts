/** A process that uses another domain's buffer: carries out orders, and ends with its parent. */
import { DomainHolder } from './domain-holder.js';
import type { DomainHolderOptions, DomainOrder } from './domain-orders.js';

const options = JSON.parse(process.argv[2] ?? '') as DomainHolderOptions; // the parent wrote it
const holder = new DomainHolder(options, (report) => process.send?.(report));
process.on('message', (order: DomainOrder) => {
  holder.hear(order);
});
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
