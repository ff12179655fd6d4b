/**
 * The process of the back end, forked by `startProcess`: `node back-end-process.js IMAGE ADDRESS`.
 *
 * The address says over which transport. Tells its parent the real address once it listens, and
 * ends when its parent does, however that ends: the channel between them is gone then.
 */
import { createDomain } from 'idc';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';
import { serveDisk } from './back-end.js';
import { openImage } from './image.js';

const [imagePath = '', address = ''] = process.argv.slice(2);

process.once('disconnect', () => process.exit());
// A terminal interrupts parent and child alike, and the parent decides.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);

const image = await openImage(imagePath);
const domain = createDomain({ name: 'back end', transports: [ring(), tcp()] });
process.send?.(await serveDisk(domain, address, image).ready);
