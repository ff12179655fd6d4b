/** What lanes rely on in Node and libuv, and do without where it is missing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, Socket, type Server } from 'node:net';
import { describe, it } from 'node:test';
import { dialSocket, watchEmptyReads } from '../../transports/tcp/tcp-socket.js';
import { turnEventLoop } from '../compliance/harness.js';

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer({ pauseOnConnect: true, noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  assert.ok(typeof bound === 'object' && bound !== null);
  return { server, port: bound.port };
}

async function accepted(server: Server): Promise<Socket> {
  const words: readonly unknown[] = await once(server, 'connection');
  const [socket] = words;
  assert.ok(socket instanceof Socket);
  return socket.on('error', () => undefined);
}

async function turnUntil(fact: () => boolean): Promise<void> {
  while (!fact()) await turnEventLoop(1);
}

describe('a socket that tells of empty reads', () => {
  it('reads next where it is told then, and not into the place before', async () => {
    const { server, port } = await listen();
    const [first, second] = [new Uint8Array(16), new Uint8Array(16)];
    let landedBytes = 0;
    let idleCount = 0;
    const socket = dialSocket(
      { host: '127.0.0.1', port },
      {
        place: () => first,
        landed: (byteLength) => {
          landedBytes += byteLength;
          return true;
        },
      },
    );
    const peer = await accepted(server);
    if (socket.connecting) await once(socket, 'connect');
    const watches = watchEmptyReads(socket, () => {
      idleCount += 1;
      return second;
    });
    assert.ok(watches);
    peer.write(new Uint8Array(16).fill(1));
    await turnUntil(() => landedBytes === 16);
    await turnUntil(() => idleCount === 1);
    peer.write(new Uint8Array(5).fill(2));
    await turnUntil(() => landedBytes === 21);
    assert.deepEqual(first, new Uint8Array(16).fill(1));
    assert.deepEqual(second, new Uint8Array(16).fill(2, 0, 5));
    socket.destroy();
    peer.destroy();
    server.close();
    await once(server, 'close');
  });

  it('is not to be had without its handle, or if that keeps its reads to itself', () => {
    const idle = (): Uint8Array => new Uint8Array(1);
    const socket = new Socket();
    assert.equal(watchEmptyReads(socket, idle), false);
    Reflect.set(socket, '_handle', {});
    assert.equal(watchEmptyReads(socket, idle), false);
    Reflect.set(socket, '_handle', null);
    socket.destroy();
  });
});

describe('a socket that is destroyed while it writes', () => {
  it('has ended the write when it is closed, and reads the memory no more', async () => {
    const { server, port } = await listen();
    const socket = connect(port, '127.0.0.1');
    const peer = await accepted(server);
    const source = new Uint8Array(64 * 2 ** 20).fill(1);
    const events: string[] = [];
    socket.write(source, () => events.push('written'));
    await turnEventLoop(10);
    assert.ok(socket.writableLength > 0, 'the write is under way');
    socket.on('close', () => {
      events.push('closed');
      source.fill(2);
    });
    socket.destroy();
    await once(socket, 'close');
    assert.deepEqual(events, ['written', 'closed']);
    let receivedBytes = 0;
    let isClean = true;
    peer.on('data', (bytes: Buffer) => {
      receivedBytes += bytes.byteLength;
      isClean &&= !bytes.includes(2);
    });
    peer.resume();
    if (!peer.closed) await once(peer, 'close');
    assert.ok(receivedBytes > 0 && receivedBytes < source.byteLength);
    assert.ok(isClean);
    server.close();
    await once(server, 'close');
  });
});
