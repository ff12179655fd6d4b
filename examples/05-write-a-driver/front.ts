/** The front end: `node front.js [ADDRESS [COUNT]]`. While the back end is away, it waits. */
import { createDomain } from 'idc';
import { createFrontEnd } from 'idc/drivers/kit';
import { tcp } from 'idc/tcp';
import { counter } from './counter.js';

const [address = 'tcp://127.0.0.1:7000/counter', count = '3'] = process.argv.slice(2);
const domain = createDomain({ name: 'front', transports: [tcp()] });
const device = createFrontEnd(domain, address, counter, { recover: true });
device.changed$.subscribe(({ total }) => console.log(`changed to ${total}`));
for (let step = 1; step <= Number(count); step++) await device.add({ amount: step });
console.log(`total ${(await device.read()).total}`);
await domain.close();
