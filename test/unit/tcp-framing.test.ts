/** Framing: every frame is found, however the stream is cut, and whatever a peer makes of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CarryPool } from '../../transports/tcp/carry-pool.js';
import { between, createRandom, seedOfThisRun } from '../compliance/random.js';
import {
  frameBytesMax,
  Incoming,
  makeIncoming,
  randomFrames,
  readBytes,
  streamOf,
} from './tcp-streams.js';

function headerOf(byteLength: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(byteLength).buffer);
}

describe('FrameReader', () => {
  const small = [1, 2, 3, 4, 5, 8].map((byteLength, index) =>
    new Uint8Array(byteLength).fill(0xa0 + index),
  );

  it('finds every frame whatever the two positions are where the stream is cut', () => {
    const stream = streamOf(small);
    for (let first = 0; first <= stream.byteLength; first++) {
      for (let second = first; second <= stream.byteLength; second++) {
        const { incoming, pool } = makeIncoming();
        incoming.land(stream.subarray(0, first));
        incoming.land(stream.subarray(first, second));
        incoming.land(stream.subarray(second));
        assert.deepEqual(incoming.frames, small);
        assert.equal(pool.lentBytes, 0);
      }
    }
  });

  it('finds every frame in single bytes', () => {
    const frames = [...small, new Uint8Array(frameBytesMax).fill(9), ...small];
    const { incoming } = makeIncoming();
    for (const byte of streamOf(frames)) assert.ok(incoming.land(Uint8Array.of(byte)));
    assert.deepEqual(incoming.frames, frames);
    assert.equal(incoming.reader.carriedBytes, 0);
  });

  it('finds every frame of random streams in random pieces', (context) => {
    const seed = seedOfThisRun();
    context.diagnostic(`IDC_SEED=${String(seed)}`);
    const random = createRandom(seed);
    for (let round = 0; round < 200; round++) {
      const frames = randomFrames(random, 30);
      const stream = streamOf(frames);
      const { incoming, pool } = makeIncoming();
      const pieceBytesMax = between(random, 1, 3 * readBytes);
      for (let start = 0; start < stream.byteLength;) {
        const end = start + between(random, 1, pieceBytesMax);
        incoming.land(stream.subarray(start, end));
        start = end;
      }
      assert.deepEqual(incoming.frames, frames);
      assert.equal(pool.lentBytes, 0);
    }
  });

  it('keeps streams apart that share one landing area', (context) => {
    const seed = seedOfThisRun();
    context.diagnostic(`IDC_SEED=${String(seed)}`);
    const random = createRandom(seed);
    const { pool, area } = makeIncoming();
    const streams = Array.from({ length: 5 }, () => {
      const frames = randomFrames(random, 20);
      return { frames, rest: streamOf(frames), incoming: new Incoming(area, pool) };
    });
    while (streams.some(({ rest }) => rest.byteLength > 0)) {
      for (const stream of streams) {
        const byteLength = between(random, 0, 50);
        stream.incoming.land(stream.rest.subarray(0, byteLength));
        stream.rest = stream.rest.subarray(byteLength);
      }
    }
    for (const { incoming, frames } of streams) assert.deepEqual(incoming.frames, frames);
    assert.equal(pool.lentBytes, 0);
  });
});

describe('FrameReader: hostile bytes', () => {
  for (const byteLength of [0, frameBytesMax + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    it(`refuses a length of ${String(byteLength)} as soon as it is there`, () => {
      const good = Uint8Array.of(1, 2, 3);
      const { incoming, pool } = makeIncoming();
      assert.ok(incoming.land(streamOf([good])));
      const header = headerOf(byteLength);
      assert.ok(incoming.land(header.subarray(0, 3)));
      assert.equal(incoming.land(header.subarray(3)), false);
      assert.deepEqual(incoming.frames, [good]);
      assert.equal(pool.lentBytes, 0);
    });
  }

  for (const byteLength of [1, 2, 3, 5, frameBytesMax - 1]) {
    it(`refuses padding after ${String(byteLength)} bytes that is not zero`, () => {
      const clean = streamOf([new Uint8Array(byteLength).fill(0xff)]);
      for (let index = 4 + byteLength; index < clean.byteLength; index++) {
        for (const byte of [1, 0x80]) {
          const stream = clean.with(index, byte);
          const { incoming } = makeIncoming();
          assert.equal(incoming.land(stream), false);
          assert.deepEqual(incoming.frames, []);
        }
      }
    });
  }

  it('borrows by what has arrived, not by what is claimed', () => {
    const { incoming, pool } = makeIncoming();
    incoming.land(headerOf(frameBytesMax));
    incoming.land(Uint8Array.of(1));
    assert.equal(pool.lentBytes, 64);
    for (let arrivedBytes = 5; arrivedBytes < frameBytesMax; arrivedBytes++) {
      incoming.land(Uint8Array.of(1));
      assert.ok(pool.lentBytes <= Math.max(64, 2 * (arrivedBytes + 1)));
    }
    incoming.reader.release();
    assert.equal(pool.lentBytes, 0);
  });
});

describe('CarryPool', () => {
  it('lends what was given back, and arrays of at least the length asked for', () => {
    const pool = new CarryPool();
    for (const byteLength of [1, 63, 64, 65, 4096, 65_540]) {
      const carry = pool.borrow(byteLength);
      assert.ok(carry.byteLength >= byteLength && carry.byteLength <= Math.max(64, 2 * byteLength));
      pool.giveBack(carry);
      assert.equal(pool.borrow(byteLength), carry);
    }
  });

  it('keeps one MiB and no more', () => {
    const pool = new CarryPool();
    const carries = Array.from({ length: 20 }, () => pool.borrow(128 * 1024));
    for (const carry of carries) pool.giveBack(carry);
    const again = new Set(Array.from({ length: 20 }, () => pool.borrow(128 * 1024)));
    assert.equal(carries.filter((carry) => again.has(carry)).length, 8);
  });
});
