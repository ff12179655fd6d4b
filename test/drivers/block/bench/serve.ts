/** A process that serves one file: `node serve.js FILE LISTEN`. Prints the URI; SIGTERM ends it. */
import { openFileDevice, serveNbd } from '../../../../drivers/block/index.js';

const [file = '', listen = ''] = process.argv.slice(2);
const device = await openFileDevice(file);
const server = serveNbd({ exports: [{ device }], listen });
process.stdout.write(`${await server.ready}\n`);
process.once('SIGTERM', () => {
  void server.close().then(() => device.close());
});
