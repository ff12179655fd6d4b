/** Parts of the NBD server that a whole one hides: memory, pages, and what cannot happen. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { createMemoryDevice } from '../../../drivers/block/index.js';
import { adoptSocket } from '../../../drivers/block/nbd/accepted-socket.js';
import { Output } from '../../../drivers/block/nbd/output.js';
import { PayloadPool } from '../../../drivers/block/nbd/payload-pool.js';
import { NbdRequest } from '../../../drivers/block/nbd/request.js';
import { Transmission } from '../../../drivers/block/nbd/transmission.js';
import { createRandom, randomBytes } from '../../compliance/random.js';

/** A socket without a handle. */
function makeSocket(highWaterMark = 1 << 20): PassThrough & Socket {
  // As far as these parts go, any stream of bytes is one.
  return new PassThrough({ highWaterMark }) as unknown as PassThrough & Socket;
}

describe('the memory of requests', () => {
  it('is used again, for the same length and for others of its size', () => {
    const pool = new PayloadPool();
    const first = pool.take(5000);
    assert.equal(first.data.byteLength, 5000);
    pool.give(first);
    assert.equal(pool.take(8192), first);
    assert.equal(first.data.byteLength, 8192);
    assert.notEqual(pool.take(8192), first);
    assert.equal(pool.usedCount, 2);
  });

  it('has room for every length', () => {
    const pool = new PayloadPool();
    for (const byteLength of [1, 4095, 4096, 4097, (32 << 20) - 1, 32 << 20]) {
      const payload = pool.take(byteLength);
      assert.equal(payload.data.byteLength, byteLength);
      assert.ok(payload.bytes.byteLength < Math.max(4097, 2 * byteLength));
      pool.give(payload);
    }
  });

  it('is not kept beyond a limit', () => {
    const pool = new PayloadPool();
    const payloads = Array.from({ length: 3 }, () => pool.take(16 << 20));
    for (const payload of payloads) pool.give(payload);
    const again = Array.from({ length: 3 }, () => pool.take(16 << 20));
    assert.equal(again.filter((payload) => payloads.includes(payload)).length, 2);
  });
});

describe('an accepted socket whose handle is not where it was', () => {
  it('is read all the same, and pauses when told to', async () => {
    const socket = makeSocket();
    const bytes = Buffer.from(randomBytes(createRandom(3), 10_000));
    const read: Buffer[] = [];
    const place = Buffer.alloc(4096);
    let isOpen = false;
    const adopted = adoptSocket(socket, {
      place: () => place,
      landed: (byteLength) => {
        read.push(Buffer.from(place.subarray(0, byteLength)));
        return isOpen;
      },
    });
    assert.equal(adopted, socket);
    socket.write(bytes);
    while (read.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(socket.isPaused(), true);
    isOpen = true;
    socket.resume();
    socket.write(bytes);
    while (Buffer.concat(read).byteLength < 20_000) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(Buffer.concat(read).equals(Buffer.concat([bytes, bytes])));
  });
});

describe('the output of a connection', () => {
  it('keeps the order of replies, short and long, and tells when each has left', async () => {
    const socket = makeSocket(1 << 24);
    const pool = new PayloadPool();
    let [requests, heldBytes] = [0, 0];
    const output = new Output(socket, pool, (count, bytes) => {
      requests += count;
      heldBytes += bytes;
    });
    const random = createRandom(11);
    const expected: Buffer[] = [];
    for (let index = 0; index < 300; index++) {
      const head = Buffer.from(randomBytes(random, 16));
      output.copy(head);
      const payload = index % 3 === 0 ? undefined : pool.take(1 + (random() % 40_000));
      payload?.data.set(randomBytes(random, payload.data.byteLength));
      const copy = Buffer.from(payload?.data ?? []);
      expected.push(head, copy);
      output.endReply(copy.byteLength, payload);
      if (random() % 10 === 0) output.flush();
    }
    output.flush();
    const whole = Buffer.concat(expected);
    const read: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => read.push(chunk));
    while (requests < 300) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(Buffer.concat(read).equals(whole));
    assert.deepEqual([heldBytes, pool.usedCount], [whole.byteLength - 300 * 16, 0]);
    assert.ok(output.isEmpty);
  });
});

describe('a device that breaks its word', () => {
  it("is a programmer's error: what is no BlockError is not told to a client", () => {
    const device = createMemoryDevice({ byteLength: 4096 });
    const pool = new PayloadPool();
    const output = new Output(makeSocket(), pool, () => undefined);
    const limits = { requestsMax: 1, heldBytesMax: 1, payloadBytesMax: 65_536 };
    const agreement = { device, isStructured: false, hasAllocation: false };
    const transmission = new Transmission(agreement, limits, pool, output, () => undefined);
    const error = new TypeError('a mistake');
    assert.throws(() => transmission.failed(new NbdRequest(transmission), error), error);
  });
});
