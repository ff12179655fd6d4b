/**
 * A process that serves a file as a block device over IDC: `node back-end-process.js ADDRESS FILE`.
 * The journal is beside the file, so that a successor goes on where a killed one was. Prints
 * `serves ADDRESS` once it listens; SIGTERM ends it.
 */
import { createDomain } from 'idc';
import { openFileDevice, serveDevice } from 'idc/drivers/block';
import { openFileJournal } from 'idc/drivers/kit';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';

const [address = '', path = ''] = process.argv.slice(2);
const device = await openFileDevice(path);
const journal = openFileJournal(`${path}.journal`);
const domain = createDomain({ name: 'back', transports: [ring(), tcp()] });
const backEnd = serveDevice(domain, address, device, { journal });
process.stdout.write(`serves ${await backEnd.ready}\n`);
process.once('SIGTERM', () => {
  void backEnd
    .close()
    .then(() => domain.close())
    .then(() => device.close())
    .then(() => journal.close());
});
