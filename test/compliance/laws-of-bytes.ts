/** L10 and L11: how large a frame may be, and what a hostile peer can do with bytes. */
import assert from 'node:assert/strict';
import { ClaimRefusal, Fault } from '../../core/contract.js';
import type { RawMedium } from './harness.js';
import type { ListenerRecord } from './listener-record.js';
import { between, randomBytes } from './random.js';
import type { Check, Rig } from './rig.js';

export function checkBytes(check: Check): void {
  checkLargest(check);
  checkOpaque(check);
  checkHostile(check);
}

function checkLargest(check: Check): void {
  check('L10 claim: an idle link takes frameBytesMax and refuses one byte more', async (rig) => {
    const { dialler, acceptor, dialling, listening } = await rig.pair();
    for (const [source, target, domain] of [
      [dialler, acceptor, dialling],
      [acceptor, dialler, listening],
    ] as const) {
      const { frameBytesMax } = domain.transport.capabilities;
      const frame = randomBytes(rig.random, frameBytesMax);
      assert.ok(source.send(frame));
      for (const byteLength of [frameBytesMax + 1, 2 ** 31, 2 ** 32 + 64]) {
        assert.equal(source.claim(byteLength), ClaimRefusal.TooLarge);
      }
      await rig.until('it arrived', () => target.frameCount === 1);
      assert.deepEqual(target.frames[0], frame);
      assert.equal(source.writableCount, 0);
    }
  });

  check('L10 claim: an idle link takes frameBytesMax whatever was sent before', async (rig) => {
    const { dialler, acceptor, dialling } = await rig.pair();
    const { frameBytesMax } = dialling.transport.capabilities;
    acceptor.onFrame = () => undefined;
    for (let count = 1; count <= 100; count++) {
      assert.ok(dialler.send(new Uint8Array(between(rig.random, 1, frameBytesMax))));
      await rig.until('it arrived', () => acceptor.frameCount === 2 * count - 1);
      assert.ok(dialler.send(new Uint8Array(frameBytesMax)));
      await rig.until('it arrived', () => acceptor.frameCount === 2 * count);
    }
  });
}

function checkOpaque(check: Check): void {
  check('L11 frame: no content of a frame means anything to the medium', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    const frames = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff].flatMap((byte) =>
      [1, 2, 3, 4, 7, 8, 16, 61].map((length) => new Uint8Array(length).fill(byte)),
    );
    for (let count = 0; count < 200; count++) {
      frames.push(randomBytes(rig.random, between(rig.random, 1, 40)));
    }
    for (const frame of frames) {
      await rig.until('room', () => !dialler.isWritableDue && dialler.send(frame));
    }
    await rig.until('all arrived', () => acceptor.frameCount === frames.length);
    assert.deepEqual(acceptor.frames, frames);
  });
}

function checkHostile(check: Check): void {
  check('L11 bytes: what no legal peer sends gives linkDown(Corrupt)', async (rig) => {
    const { raw } = rig.harness;
    if (raw === undefined) return checkNoRawBytes(rig);
    assert.ok(raw.illegal.length > 0);
    const { dialler, acceptor, listener } = await rig.pair();
    for (const [index, bytes] of raw.illegal.entries()) {
      await sendRaw(raw, listener, bytes);
      await rig.until(`illegal[${String(index)}] is found`, () => {
        return listener.ends[index + 1]?.fault === Fault.Corrupt;
      });
    }
    assert.ok(dialler.send(Uint8Array.of(1)));
    await rig.until('another link works', () => acceptor.frameCount === 1);
  });

  check('L11 bytes: random ones end in linkDown and disturb no other link', async (rig) => {
    const { raw } = rig.harness;
    if (raw === undefined) return checkNoRawBytes(rig);
    const { dialler, acceptor, listener } = await rig.pair();
    for (let count = 1; count <= 40; count++) {
      const noise = randomBytes(rig.random, between(rig.random, 1, 200));
      const peer = await sendRaw(raw, listener, noise);
      peer.end();
      assert.ok(dialler.send(Uint8Array.of(count)));
      await rig.until('another link works', () => acceptor.frameCount === count);
    }
    await rig.until('all are down', () => {
      return listener.ends.every((end) => end === acceptor || !end.isUp);
    });
  });
}

async function sendRaw(raw: RawMedium, listener: ListenerRecord, bytes: Uint8Array) {
  assert.ok(listener.address !== undefined);
  const peer = await raw.dial(listener.address);
  peer.write(bytes);
  return peer;
}

/** Who holds a link of such a medium can reach its own claims only, so nothing can be malformed. */
async function checkNoRawBytes(rig: Rig): Promise<void> {
  const { dialler, acceptor, dialling } = await rig.pair();
  assert.equal(dialling.transport.capabilities.crossProcess, false);
  const frame = randomBytes(rig.random, 100);
  assert.ok(dialler.send(frame));
  await rig.until('it arrived', () => acceptor.frameCount === 1);
  assert.deepEqual(acceptor.frames[0], frame);
}
