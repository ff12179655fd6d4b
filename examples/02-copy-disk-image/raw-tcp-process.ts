/** The other process of `measureSocket`: `node raw-tcp-process.js PORT BYTES` sends so many. */
import { once } from 'node:events';
import { connect } from 'node:net';

const [port = '', byteLength = ''] = process.argv.slice(2);
/** Long writes are what a socket is fastest with. */
const chunk = new Uint8Array(4 * 1024 * 1024);

process.once('disconnect', () => process.exit());

const socket = connect(Number(port), '127.0.0.1');
await once(socket, 'connect');
for (let left = Number(byteLength); left > 0; left -= chunk.byteLength) {
  const part = chunk.subarray(0, Math.min(left, chunk.byteLength));
  if (!socket.write(part)) await once(socket, 'drain');
}
socket.end();
