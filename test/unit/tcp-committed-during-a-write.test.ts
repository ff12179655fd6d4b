/** Frames that were committed while a write was under way, and nobody was refused a claim. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe } from 'node:test';
import { tcp } from '../../transports/tcp/index.js';
import { turnEventLoop } from '../compliance/harness.js';
import { check, dial } from './tcp-rig.js';

const recordBytes = 64 * 1024;
/** One half of the buffer: more than any kernel keeps for a peer that does not read. */
const sendBytes = 32 * 1024 * 1024;

describe('tcp and a kernel that is full', () => {
  check('what is committed during a write follows it, though no claim was refused', async (rig) => {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const end = dial(rig, `tcp://127.0.0.1:${String(bound.port)}/`, tcp({ sendBytes }));
    const peer = await accepted;
    await rig.until('up', () => end.isUp);

    const frame = new Uint8Array(recordBytes - 4);
    for (let count = 0; count < sendBytes / recordBytes; count++) assert.ok(end.send(frame));
    await turnEventLoop();
    for (let count = 0; count < 3; count++) assert.ok(end.send(frame));
    let receivedBytes = 0;
    peer.on('data', (bytes: Buffer) => (receivedBytes += bytes.byteLength)).resume();
    await rig.until('all arrived', () => receivedBytes === sendBytes + 3 * recordBytes);
    peer.destroy();
    server.close();
  });
});
