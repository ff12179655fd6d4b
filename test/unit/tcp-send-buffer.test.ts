/** SendBuffer: what it hands to the socket, and that it starts clean and stays small. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClaimRefusal } from '../../core/contract.js';
import { recordBytes } from '../../transports/tcp/framing.js';
import { SendBuffer } from '../../transports/tcp/send-buffer.js';
import { createRandom, seedOfThisRun } from '../compliance/random.js';
import { frameBytesMax, makeIncoming, randomFrames, streamOf } from './tcp-streams.js';

/** What a writer would send: takes and writes at once until nothing is left. */
function drain(buffer: SendBuffer): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let chunk = buffer.take(); chunk !== undefined; chunk = buffer.take()) {
    chunks.push(Uint8Array.from(chunk));
    buffer.written();
  }
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
}

function append(buffer: SendBuffer, frame: Uint8Array): boolean {
  const offset = buffer.claim(frame.byteLength);
  if (offset < 0) return false;
  assert.equal(offset % 4, 0);
  buffer.bytes.set(frame, offset);
  buffer.commit();
  return true;
}

describe('SendBuffer', () => {
  const halfBytes = 2 * recordBytes(frameBytesMax);

  it('writes what FrameReader reads, with clean padding over used memory', (context) => {
    const seed = seedOfThisRun();
    context.diagnostic(`IDC_SEED=${String(seed)}`);
    const random = createRandom(seed);
    const buffer = new SendBuffer(frameBytesMax, halfBytes);
    const { incoming } = makeIncoming();
    const sent: Uint8Array[] = [];
    for (const frame of randomFrames(random, 500)) {
      while (!append(buffer, frame)) assert.ok(incoming.land(drain(buffer)));
      sent.push(frame);
    }
    assert.ok(incoming.land(drain(buffer)));
    assert.deepEqual(incoming.frames, sent);
  });

  it('clears the padding even if the claim was filled by whole words', () => {
    const buffer = new SendBuffer(frameBytesMax, halfBytes);
    const offset = buffer.claim(5);
    buffer.bytes.fill(0xff, offset, offset + 8);
    buffer.commit();
    assert.deepEqual(drain(buffer), streamOf([new Uint8Array(5).fill(0xff)]));
  });

  it('clears what its memory held before, and only what is used', () => {
    const buffer = new SendBuffer(frameBytesMax, halfBytes);
    buffer.bytes.fill(0xee);
    for (let offset = buffer.claim(700); offset >= 0; offset = buffer.claim(700)) {
      assert.ok(buffer.bytes.subarray(offset, offset + 700).every((byte) => byte === 0));
      buffer.commit();
    }
    buffer.take();
    assert.ok(buffer.bytes.subarray(halfBytes).every((byte) => byte === 0xee));
    const offset = buffer.claim(frameBytesMax);
    assert.ok(buffer.bytes.subarray(offset, offset + frameBytesMax).every((byte) => byte === 0));
  });

  it('fills the other half while one is written, then refuses, then goes on', () => {
    const buffer = new SendBuffer(frameBytesMax, halfBytes);
    const frame = new Uint8Array(frameBytesMax).fill(1);
    assert.ok(append(buffer, frame) && append(buffer, frame));
    assert.equal(buffer.claim(1), ClaimRefusal.BackPressured);
    const first = buffer.take();
    assert.ok(append(buffer, frame.fill(2)) && append(buffer, frame));
    assert.equal(buffer.claim(1), ClaimRefusal.BackPressured);
    assert.equal(buffer.take(), undefined);
    assert.ok(first?.subarray(4, 8).every((byte) => byte === 1));
    buffer.written();
    assert.equal(buffer.hasRoom, false);
    assert.ok(
      buffer
        .take()
        ?.subarray(4, 8)
        .every((byte) => byte === 2),
    );
    assert.ok(buffer.hasRoom);
  });

  it('writes what is committed although a claim is open, and the claim stays valid', () => {
    const buffer = new SendBuffer(frameBytesMax, halfBytes);
    append(buffer, Uint8Array.of(1));
    const offset = buffer.claim(4);
    assert.deepEqual(drain(buffer), streamOf([Uint8Array.of(1)]));
    buffer.bytes.fill(7, offset, offset + 4);
    buffer.commit();
    assert.deepEqual(drain(buffer), streamOf([Uint8Array.of(7, 7, 7, 7)]));
  });

  it('forgets an aborted claim', () => {
    const buffer = new SendBuffer(frameBytesMax, halfBytes);
    const offset = buffer.claim(100);
    buffer.bytes.fill(0xee, offset, offset + 100);
    buffer.abort();
    append(buffer, Uint8Array.of(1));
    assert.deepEqual(drain(buffer), streamOf([Uint8Array.of(1)]));
  });

  it('starts again at its beginning whenever it is drained', () => {
    const buffer = new SendBuffer(frameBytesMax, halfBytes);
    for (let count = 0; count < 100; count++) {
      assert.equal(buffer.claim(8), 4);
      buffer.commit();
      buffer.take();
      buffer.written();
    }
  });

  it('takes the rest for a last write while another one is under way', () => {
    const buffer = new SendBuffer(frameBytesMax, halfBytes);
    append(buffer, Uint8Array.of(1));
    buffer.take();
    append(buffer, Uint8Array.of(2));
    const rest = buffer.takeRest();
    assert.deepEqual(Uint8Array.from(rest ?? []), streamOf([Uint8Array.of(2)]));
    assert.equal(buffer.takeRest(), undefined);
  });
});
