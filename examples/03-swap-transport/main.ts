/**
 * `node main.js ADDRESS`: one driver, any transport. Try `memory://here/entropy`,
 * `ring://here/entropy` and `tcp://127.0.0.1:0/entropy`; nothing else changes.
 */
import { createDomain } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';
import { filter, firstValueFrom } from 'rxjs';
import { readEntropy, serveEntropy } from './entropy.js';

const transports = [memory({ network: createMemoryNetwork() }), ring(), tcp()];
const back = createDomain({ name: 'back', transports });
const front = createDomain({ name: 'front', transports });

const listener = serveEntropy(back, process.argv[2] ?? 'memory://here/entropy');
const device = front.createEndpoint(await listener.ready, {});
await firstValueFrom(device.lifecycle$.pipe(filter((event) => event.type === 'connect')));
const bytes = await readEntropy(device, 16);
console.log(`${listener.address} gave ${Buffer.from(bytes).toString('hex')}`);

await front.close();
await back.close();
