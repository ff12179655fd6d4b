/** Bytes that are no frames: they end the link, before, in and after the handshake. */
import assert from 'node:assert/strict';
import { FrameType } from '../../../core/frame.js';
import { createRandom, randomBytes } from '../../compliance/random.js';
import { hostile } from './hostile-rig.js';
import { control, greeting, message, record } from './wire.js';

const garbage = randomBytes(createRandom(1), 4096);
/** Random bytes could begin like a frame: these claim more than any frame has. */
garbage.fill(0xff, 0, 4);

const streams: readonly (readonly [fact: string, bytes: Uint8Array])[] = [
  ['garbage', garbage],
  ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['a header that claims 4 GiB', Buffer.of(0xff, 0xff, 0xff, 0xff)],
  ['a header that claims 2 GiB', Buffer.of(0, 0, 0, 0x80)],
  ['a header that claims one byte more than a frame may have', Buffer.of(1, 0, 1, 0)],
  ['a header that claims no bytes', Buffer.of(0, 0, 0, 0)],
  ['padding that is not zero', Buffer.of(1, 0, 0, 0, FrameType.Ping, 0, 0, 1)],
];

for (const [fact, bytes] of streams) {
  hostile(`a stranger is cut off, and nobody else notices: ${fact}`, async (rig) => {
    const peer = await rig.dialRaw();
    peer.write(bytes);
    assert.deepEqual(await peer.rest(), []);
    assert.equal(rig.accepted.entries.length, 1);
  });

  hostile(`an accepted endpoint ends its epoch as CORRUPT: ${fact}`, async (rig) => {
    const peer = await rig.dialRaw();
    await peer.open();
    peer.write(bytes);
    const event = await rig.newest.disconnected();
    assert.equal(event.reason, 'CORRUPT');
    assert.equal(rig.newest.endpoint.lastFault, 'corrupt');
  });

  hostile(`a dialling endpoint ends its epoch as CORRUPT: ${fact}`, async (rig) => {
    const listener = await rig.listenRaw();
    const watched = rig.dial(listener.port);
    const peer = await listener.accept();
    await peer.admit();
    peer.write(bytes);
    assert.equal((await watched.disconnected()).reason, 'CORRUPT');
    assert.equal(await watched.attempted(), 'corrupt');
  });

  hostile(`a dialling endpoint that is greeted so reports an attempt: ${fact}`, async (rig) => {
    const listener = await rig.listenRaw();
    const watched = rig.dial(listener.port);
    const peer = await listener.accept();
    await peer.expect(FrameType.Hello);
    peer.write(bytes);
    assert.equal(await watched.attempted(), 'corrupt');
    assert.deepEqual(watched.types, ['attempt']);
  });
}

const cuts: readonly (readonly [fact: string, bytes: Uint8Array])[] = [
  ['half a header', Buffer.of(8, 0)],
  ['a header alone', Buffer.of(8, 0, 0, 0)],
  ['half a frame', record(message(1, 'half of it')).subarray(0, 10)],
  ['a frame without its padding', record(Buffer.alloc(9, 1)).subarray(0, 13)],
];

for (const [fact, bytes] of cuts) {
  hostile(`a stream that ends after ${fact} disconnects, and is no frame`, async (rig) => {
    const peer = await rig.dialRaw();
    await peer.open();
    peer.socket.end(bytes);
    const event = await rig.newest.disconnected();
    assert.equal(event.reason, 'DISCONNECTED');
    assert.equal(rig.newest.endpoint.lastFault, 'reset');
    assert.deepEqual(rig.newest.received.entries, []);
  });
}

hostile('every truncation of a greeting is waited for, and refused at its end', async (rig) => {
  const whole = record(greeting());
  for (let start = 0; start < whole.length; start += 32) {
    const lengths = Array.from({ length: 32 }, (_, index) => start + index);
    await Promise.all(
      lengths
        .filter((length) => length < whole.length)
        .map(async (length) => {
          const peer = await rig.dialRaw();
          peer.socket.end(whole.subarray(0, length));
          assert.deepEqual(await peer.rest(), [], `cut to ${length} bytes`);
        }),
    );
  }
  assert.equal(rig.accepted.entries.length, 1);
});

hostile('every shorter frame with the start of a greeting is refused', async (rig) => {
  const whole = greeting();
  for (let length = 1; length < whole.length; length++) {
    const peer = await rig.dialRaw();
    peer.send(whole.subarray(0, length));
    assert.equal(await peer.farewell(), 11, `cut to ${length} bytes`);
  }
  assert.equal(rig.accepted.entries.length, 1);
});

hostile('frames that arrive byte by byte are taken like any others', async (rig) => {
  const peer = await rig.dialRaw();
  const write = async (bytes: Uint8Array): Promise<void> => {
    for (const byte of bytes) {
      await new Promise<unknown>((resolve) => peer.socket.write(Buffer.of(byte), resolve));
    }
  };
  await write(record(greeting()));
  await peer.expect(FrameType.Welcome);
  await write(record(control(FrameType.Ready, 0)));
  await peer.expect(FrameType.Accept);
  await write(record(control(FrameType.Confirm, 1)));
  await write(record(message(1, 'slowly')));
  assert.equal(await rig.newest.received.first(() => true), 'slowly');
});
