/** What no legal peer sends within an epoch, at either end: each ends that epoch as CORRUPT. */
import assert from 'node:assert/strict';
import { errorTable } from '../../../core/errors.js';
import { FrameType } from '../../../core/frame.js';
import { hostile } from './hostile-rig.js';
import {
  control,
  credit,
  flush,
  flushed,
  frame,
  message,
  released,
  reply,
  request,
} from './wire.js';

const corrupt = errorTable.CORRUPT.wire;

/** Sent by a dialler in epoch 1 with a quota of 4 messages and 4 transactions; all is held. */
const cases: readonly (readonly [fact: string, frames: readonly Uint8Array[]])[] = [
  ['an unknown frame type of the link', [control(11, 0)]],
  ['frame type 0', [control(0, 0)]],
  ['an unknown frame type of the epoch', [frame(24, 0, 1, 1)]],
  ['frame type 255', [frame(255, 0, 1, 1)]],
  ['a frame of 4 bytes', [frame(FrameType.Message, 0, 1)]],
  ['a frame of 1 byte', [Buffer.of(FrameType.Ping)]],
  ['a ping of 12 bytes', [frame(FrameType.Ping, 0, 0, 1, 2)]],
  ['a pong that nobody asked for', [control(FrameType.Pong, 1)]],
  ['a goodbye of 8 bytes', [control(FrameType.Goodbye, 0)]],
  ['a goodbye of 16 bytes', [frame(FrameType.Goodbye, 0, 0, 0, 0, 0)]],
  ['a message with the wrong epoch tag', [message(1, 'm', 2)]],
  ['a request with the wrong epoch tag', [request(1, 0, 'p', 0)]],
  ['a message whose sequence starts at 0', [message(0)]],
  ['a message with a gap in the sequence', [message(1), message(3)]],
  ['a message that repeats a sequence', [message(1), message(1)]],
  ['a message with a negative sequence', [message(-1)]],
  ['a request with a gap in the sequence', [request(2, 0)]],
  ['a request that repeats the sequence of a message', [message(1), request(1, 0)]],
  ['a message longer than agreed', [message(1, 'x'.repeat(257))]],
  ['a request longer than agreed', [request(1, 0, 'x'.repeat(257))]],
  ['a request without a ticket', [frame(FrameType.Request, 0, 1, 1)]],
  ['a message more than the credit', [1, 2, 3, 4, 5].map((sequence) => message(sequence))],
  ['a request in a slot in use', [request(1, 0), request(2, 0)]],
  ['a request in a slot in use, in another generation', [request(1, 0), request(2, 1 << 16)]],
  ['a request in a slot beyond the quota', [request(1, 4)]],
  ['a request in slot 65535', [request(1, 0xffff)]],
  ['a request with a negative ticket', [request(1, -1)]],
  ['a flush for a ticket that was never used', [flush(0)]],
  ['a flush for a slot beyond the quota', [flush(4)]],
  ['a flush with a negative ticket', [request(1, 0), flush(-0x8000_0000)]],
  ['a flush for another generation', [request(1, 0), flush(1 << 16)]],
  ['a second flush', [request(1, 0), flush(0), flush(0)]],
  ['a flush of 12 bytes', [request(1, 0), frame(FrameType.Flush, 0, 1, 0, 0)]],
  ['a request in a slot whose flush is not released', [request(1, 0), flush(0), request(2, 0)]],
  ['a reply for an unknown ticket', [reply(0)]],
  ['a reply with a negative ticket', [reply(-1)]],
  ['a reply without a code', [frame(FrameType.Reply, 0, 1, 0)]],
  ['a flushed that nobody asked for', [flushed(0, 1)]],
  ['a flushed with an unknown outcome', [flushed(0, 3)]],
  ['a released that nobody asked for', [released(0)]],
  ['a credit of 0', [credit(0, 0)]],
  ['a credit of -1', [credit(-1, 0)]],
  ['a credit for what was never sent', [credit(1, 0)]],
  ['a credit of 2^31-1', [credit(0x7fff_ffff, 0)]],
  ['a credit of 8 bytes', [frame(FrameType.Credit, 0, 1, 1)]],
  ['a ready', [control(FrameType.Ready, 0)]],
  ['an accept', [control(FrameType.Accept, 2)]],
  ['a second confirm', [control(FrameType.Confirm, 1)]],
  ['a refuse', [control(FrameType.Refuse, 3)]],
];

for (const [fact, frames] of cases) {
  hostile(`an accepted endpoint ends its epoch as CORRUPT: ${fact}`, async (rig) => {
    rig.isHolding = true;
    const peer = await rig.dialRaw();
    assert.equal(await peer.open(), 1);
    peer.send(...frames);
    assert.equal((await rig.newest.disconnected()).reason, 'CORRUPT');
    assert.equal(await peer.farewell(), corrupt);
  });

  hostile(`a dialling endpoint ends its epoch as CORRUPT: ${fact}`, async (rig) => {
    const listener = await rig.listenRaw();
    const watched = rig.dial(listener.port);
    watched.isHolding = true;
    const peer = await listener.accept();
    await peer.admit();
    peer.send(...frames);
    assert.equal((await watched.disconnected()).reason, 'CORRUPT');
    assert.equal(await peer.farewell(), corrupt);
  });
}
