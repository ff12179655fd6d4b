/**
 * A back end in a process of its own, for tests that kill it:
 * `node back-end-process.js ADDRESS FILE JOURNAL SEED`. Prints `serves ADDRESS` once it listens.
 * The device is slow, so that a death can come in the middle of an operation.
 */
import { createDomain } from 'idc';
import { openFileDevice, serveDevice } from 'idc/drivers/block';
import { openFileJournal } from 'idc/drivers/kit';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';
import { between, createRandom } from '../../compliance/random.js';
import { SlowDevice } from './slow-device.js';

const [address = '', path = '', journalPath = '', seed = '0'] = process.argv.slice(2);
const random = createRandom(Number(seed));
const device = new SlowDevice(
  await openFileDevice(path),
  () => new Promise((resolve) => setTimeout(resolve, between(random, 0, 8))),
);
const domain = createDomain({ name: 'back', transports: [ring(), tcp()] });
const backEnd = serveDevice(domain, address, device, {
  journal: openFileJournal(journalPath),
  graceMs: 30_000,
});
console.log(`serves ${await backEnd.ready}`);
process.once('SIGTERM', () => {
  void backEnd.close().then(() => domain.close());
});
