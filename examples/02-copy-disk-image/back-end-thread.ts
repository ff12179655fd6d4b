/**
 * The thread of the back end, a worker of `startThread`, with the arguments of the process.
 *
 * Tells its parent the real address once it listens, and ends when it is terminated.
 */
import { parentPort } from 'node:worker_threads';
import { createDomain } from 'idc';
import { ring } from 'idc/ring';
import { serveDisk } from './back-end.js';
import { openImage } from './image.js';

const [imagePath = '', address = ''] = process.argv.slice(2);

const image = await openImage(imagePath);
const domain = createDomain({ name: 'back end', transports: [ring()] });
parentPort?.postMessage(await serveDisk(domain, address, image).ready);
