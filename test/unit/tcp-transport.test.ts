/** The TCP transport over real sockets: peers that are no transports, closing, and costs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { closeMs, Fault } from '../../core/contract.js';
import { adoptSocket } from '../../transports/tcp/tcp-socket.js';
import type { End } from '../compliance/end.js';
import type { Rig } from '../compliance/rig.js';
import { createManualRuntime } from './manual-runtime.js';
import { check, dial, rawPeer } from './tcp-rig.js';

const record3 = Uint8Array.of(3, 0, 0, 0, 7, 8, 9, 0);
const frame3 = Uint8Array.of(7, 8, 9);

describe('tcp peers that are no transports', () => {
  const sayings: readonly [string, Uint8Array, Fault | undefined, number][] = [
    ['garbage', new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'), Fault.Corrupt, 0],
    ['a header of 4 GiB', Uint8Array.of(0xff, 0xff, 0xff, 0xff), Fault.Corrupt, 0],
    ['a frame, then an empty one', Uint8Array.of(...record3, 0, 0, 0, 0), Fault.Corrupt, 1],
    ['half a header', Uint8Array.of(3, 0), undefined, 0],
    ['a frame without its padding', record3.subarray(0, 7), undefined, 0],
    ['two frames', Uint8Array.of(...record3, ...record3), undefined, 2],
  ];
  for (const [what, bytes, fault, frameCount] of sayings) {
    check(`${what}, while the connection stays: ${fault ?? 'waits'}`, async (rig, wire) => {
      const { peer, end } = await rawPeer(rig, wire);
      peer.write(bytes);
      await rig.until('read', () => end.fault === fault && end.frameCount === frameCount);
      await rig.quiet();
      assert.equal(end.fault, fault);
    });

    const after = fault ?? (bytes.byteLength % 8 === 0 ? Fault.Closed : Fault.Reset);
    check(`${what}, then the end of the stream: ${after}`, async (rig, wire) => {
      const { peer, end } = await rawPeer(rig, wire);
      peer.end(bytes);
      await rig.until('linkDown', () => end.fault !== undefined);
      assert.equal(end.fault, after);
      assert.equal(end.frameCount, frameCount);
    });
  }

  check('one byte at a time is as good as all at once', async (rig, wire) => {
    const { peer, end } = await rawPeer(rig, wire);
    peer.setNoDelay();
    for (const byte of [...record3, ...record3]) {
      await new Promise((written) => peer.write(Uint8Array.of(byte), written));
      await rig.harness.settle();
    }
    await rig.until('both frames', () => end.frameCount === 2);
    assert.deepEqual(end.frames, [frame3, frame3]);
  });

  check('a reset is Reset, and what came before it is not lost', async (rig, wire) => {
    const { peer, end } = await rawPeer(rig, wire);
    peer.write(record3);
    await rig.until('the frame', () => end.frameCount === 1);
    peer.resetAndDestroy();
    await rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.fault, Fault.Reset);
  });

  check(
    'half-closing is closing: everything is delivered, then both are done',
    async (rig, wire) => {
      const { peer, end } = await rawPeer(rig, wire);
      peer.end(Buffer.concat(Array.from({ length: 50_000 }, () => record3)));
      await rig.until('linkDown', () => end.fault !== undefined);
      assert.equal(end.fault, Fault.Closed);
      assert.equal(end.frameCount, 50_000);
      peer.resume();
      if (!peer.closed) await once(peer, 'close');
    },
  );

  check('a hostile server is as harmless as a hostile client', async (rig) => {
    const server = createServer((socket) => socket.on('error', () => undefined).end('hello!\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    const end = dial(rig, `tcp://127.0.0.1:${String(bound.port)}/`);
    await rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.fault, Fault.Corrupt);
    server.close();
  });
});

/** Commits frames until nothing more is taken because the peer does not read. */
async function fill(rig: Rig, end: End): Promise<number> {
  const frame = new Uint8Array(1020);
  let count = 0;
  while (!end.isWritableDue) {
    while (end.send(frame)) count += 1;
    await rig.quiet();
  }
  return count;
}

describe('tcp closing', () => {
  check(
    'what was committed arrives before the end, although we left bytes unread',
    async (rig, wire) => {
      const { peer, end } = await rawPeer(rig, wire);
      const received: Buffer[] = [];
      peer.on('data', (bytes: Buffer) => received.push(bytes));
      const frame = new Uint8Array(1020).fill(1);
      for (let count = 0; count < 200; count++) assert.ok(end.send(frame));
      end.close();
      peer.write(Buffer.alloc(1_000_000));
      await once(peer, 'end');
      assert.equal(Buffer.concat(received).byteLength, 200 * 1024);
      assert.equal(end.isClosed, false);
      peer.end();
      await rig.until('closed', () => end.isClosed);
      assert.equal(end.fault, Fault.Closed);
      if (!peer.closed) await once(peer, 'close');
    },
  );

  const manual = createManualRuntime();
  check(
    'a peer that does not read holds it up for closeMs and no longer',
    async (rig, wire) => {
      const { end } = await rawPeer(rig, wire);
      await fill(rig, end);
      assert.deepEqual([...manual.timers.values()], []);
      end.close();
      await rig.quiet();
      assert.equal(end.isClosed, false);
      assert.deepEqual([...manual.timers.values()], [closeMs]);
      for (const task of [...manual.timers.keys()]) task();
      await rig.until('closed', () => end.isClosed);
      assert.deepEqual([...manual.timers.values()], []);
    },
    manual.runtime,
  );

  check('a peer that reads again gets everything, in order', async (rig, wire) => {
    const { peer, end } = await rawPeer(rig, wire);
    const count = await fill(rig, end);
    let receivedBytes = 0;
    peer.on('data', (bytes: Buffer) => (receivedBytes += bytes.byteLength));
    await rig.until('writable', () => !end.isWritableDue);
    await rig.until('all arrived', () => receivedBytes === count * 1024);
  });
});

describe('tcp and poll', () => {
  check('a reply to a frame leaves without a poll; poll tells what came', async (rig, wire) => {
    const { peer, end, domain } = await rawPeer(rig, wire);
    domain.pause();
    end.onFrame = () => void end.send(frame3);
    peer.write(Buffer.concat([record3, record3]));
    const replies: Buffer[] = [];
    peer.on('data', (bytes: Buffer) => replies.push(bytes));
    await rig.until('replies', () => Buffer.concat(replies).byteLength === 2 * record3.byteLength);
    assert.equal(domain.poll(16), 2);
    assert.equal(domain.poll(16), 0);
  });

  check('a domain that does not poll is fed four full reads', async (rig, wire) => {
    const { peer, end, domain } = await rawPeer(rig, wire);
    end.onFrame = () => undefined;
    domain.pause();
    const recordCount = 500_000;
    peer.write(Buffer.concat(Array.from({ length: recordCount }, () => record3)));
    const fedBytesMax = 5 * 256 * 1024;
    await rig.until('fed', () => end.frameCount * record3.byteLength > fedBytesMax / 2);
    await rig.quiet();
    assert.ok(end.frameCount * record3.byteLength <= fedBytesMax);
    domain.resume();
    await rig.until('all arrived', () => end.frameCount === recordCount);
  });
});

describe('tcp costs', () => {
  check('1000 silent connections take little memory', async (rig, wire) => {
    const { record, port } = await rawPeer(rig, wire);
    const startBytes = process.memoryUsage.rss();
    const peers = await Promise.all(Array.from({ length: 1000 }, () => wire.connect(port)));
    await rig.until('all up', () => record.ends.filter((end) => end.isUp).length === 1001);
    const grownBytes = process.memoryUsage.rss() - startBytes;
    // Send buffers alone would be 500 MiB if they were resident.
    assert.ok(grownBytes < 64 * 1024 * 1024, `grown by ${String(grownBytes)} bytes`);
    for (const peer of peers) peer.destroy();
    await rig.until('all down', () => record.ends.filter((end) => end.isUp).length === 1);
  });

  it('without access to a handle an accepted socket is read by events', async () => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => index & 0xff));
    const place = new Uint8Array(64);
    const received: number[] = [];
    const server = createServer({ pauseOnConnect: true }, (accepted) => {
      const hidden = new Proxy(accepted, {
        get: (target, key) => {
          if (key === '_handle') return undefined;
          const value: unknown = Reflect.get(target, key);
          if (typeof value !== 'function') return value;
          const bound: unknown = value.bind(target);
          return bound;
        },
      });
      const socket = adoptSocket(hidden, {
        place: () => place,
        landed: (byteLength) => {
          received.push(...place.subarray(0, byteLength));
          setImmediate(() => socket.resume());
          return false;
        },
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    connect(bound.port, '127.0.0.1').resume().end(bytes);
    await once(server, 'connection');
    server.close();
    await once(server, 'close');
    assert.deepEqual(Buffer.from(received), bytes);
  });
});
