/** A process full of strangers: `node crowd-process.js ADDRESS COUNT`. Its maker kills it. */
import { tcp } from 'idc/tcp';

import { domainCount, gatherCrowd } from './crowd.js';
import { Strangers } from './strangers.js';

const [, , address = '', count = ''] = process.argv;
const small = { frameBytesMax: 1024, sendBytes: 4096, readBytes: 4096 };

const strangers = new Strangers(tcp(small), address);
await Promise.all([
  gatherCrowd(address, () => tcp(small), domainCount),
  strangers.come(Number(count) - domainCount),
]);
process.send?.('answered');
process.once('disconnect', () => process.exit());
