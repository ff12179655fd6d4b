/** Fragments that no legal peer cuts: each ends the epoch as CORRUPT. */
import assert from 'node:assert/strict';
import { errorTable } from '../../../core/errors.js';
import { fragmentAbort, fragmentFirst, fragmentOfReply, FrameType } from '../../../core/frame.js';
import { hostile } from './hostile-rig.js';
import { fragment, message, reply, request } from './wire.js';

const corrupt = errorTable.CORRUPT.wire;
const first = fragmentFirst;

/** A message of 100 bytes in all, 92 of them body; cut at 40. */
const whole = message(1, 'x'.repeat(92));
const head = whole.subarray(0, 40);
const tail = whole.subarray(40);
const start = fragment(first, 100, 0, head);
const parameters = request(1, 0, 'x'.repeat(88));
const startOfRequest = fragment(first, 100, 0, parameters.subarray(0, 40));

const cases: readonly (readonly [fact: string, frames: readonly Uint8Array[]])[] = [
  ['a fragment of 8 bytes', [fragment(first, 100, 0, head).subarray(0, 8)]],
  ['an empty first fragment', [fragment(first, 100, 0, head.subarray(0, 0))]],
  ['an empty next fragment', [start, fragment(0, 100, 40, tail.subarray(0, 0))]],
  ['a next fragment without a first', [fragment(0, 100, 40, tail)]],
  ['a second first fragment', [start, start]],
  ['a first fragment that starts later', [fragment(first, 100, 4, head)]],
  ['a total of 0', [fragment(first, 0, 0, head)]],
  ['a negative total', [fragment(first, -1, 0, head)]],
  ['a total of -2^31', [fragment(first, -0x8000_0000, 0, head)]],
  ['a total of 2^31-1', [fragment(first, 0x7fff_ffff, 0, head)]],
  ['a total of one byte over the quota', [fragment(first, 8 + 257, 0, head)]],
  ['a total that is already there', [fragment(first, 40, 0, head)]],
  ['a total below what is already there', [fragment(first, 39, 0, head)]],
  ['a total that changes', [start, fragment(0, 101, 40, tail)]],
  ['a gap', [start, fragment(0, 100, 41, tail.subarray(1))]],
  ['an overlap', [start, fragment(0, 100, 39, tail)]],
  ['a negative offset', [start, fragment(0, 100, -40, tail)]],
  ['more than the total', [start, fragment(0, 100, 40, Buffer.concat([tail, Buffer.of(1)]))]],
  ['half of a header', [fragment(first, 100, 0, head.subarray(0, 4))]],
  ['half of a request’s header', [fragment(first, 100, 0, parameters.subarray(0, 8))]],
  [
    'a fragmented credit',
    [fragment(first, 100, 0, Buffer.of(FrameType.Credit, 0, 1, 0, 1, 0, 0, 0))],
  ],
  ['a fragment in a fragment', [fragment(first, 200, 0, start)]],
  ['a reply in the stream of requests', [fragment(first, 100, 0, reply(0, 0, 'x'.repeat(30)))]],
  ['a message in the stream of replies', [fragment(first | fragmentOfReply, 100, 0, head)]],
  ['a sequence that does not follow', [fragment(first, 100, 0, message(2, 'x'.repeat(32)))]],
  ['the wrong epoch tag inside', [fragment(first, 100, 0, message(1, 'x'.repeat(32), 2))]],
  ['a flag inside', [fragment(first, 100, 0, Buffer.concat([Buffer.of(16, 1), head.subarray(2)]))]],
  ['a whole message inside an open item', [start, message(2)]],
  ['a whole request inside an open item', [start, request(2, 0)]],
  ['a whole request inside an open one, of the same slot', [startOfRequest, request(2, 0)]],
  ['an abort without a start', [fragment(fragmentAbort, 0, 0, Buffer.alloc(0))]],
  ['an abort of a message', [start, fragment(fragmentAbort, 100, 40, Buffer.alloc(0))]],
  ['an abort with bytes', [startOfRequest, fragment(fragmentAbort, 100, 40, tail)]],
  [
    'an abort twice',
    [
      startOfRequest,
      fragment(fragmentAbort, 100, 40, Buffer.alloc(0)),
      fragment(fragmentAbort, 100, 40, Buffer.alloc(0)),
    ],
  ],
  ['a request for a slot beyond the quota', [fragment(first, 100, 0, request(1, 4, 'x'))]],
  ['a request in a slot in use', [request(1, 0), fragment(first, 100, 0, request(2, 0, 'x'))]],
  [
    'a message more than the credit',
    [...[1, 2, 3, 4].map((n) => message(n)), fragment(first, 100, 0, message(5, 'x'))],
  ],
  [
    'a reply for an unknown ticket',
    [
      fragment(first | fragmentOfReply, 52, 0, reply(0, 0, 'x'.repeat(28))),
      fragment(fragmentOfReply, 52, 40, Buffer.alloc(12)),
    ],
  ],
  ['a reply over the quota', [fragment(first | fragmentOfReply, 12 + 257, 0, reply(0))]],
  ['an aborted reply', [fragment(fragmentAbort | fragmentOfReply, 100, 0, Buffer.alloc(0))]],
  ['an unknown flag', [fragment(first | 8, 100, 0, head)]],
];

for (const [fact, frames] of cases) {
  hostile(`an epoch ends as CORRUPT: ${fact}`, async (rig) => {
    rig.isHolding = true;
    const peer = await rig.dialRaw();
    await peer.open();
    peer.send(...frames);
    assert.equal((await rig.newest.disconnected()).reason, 'CORRUPT');
    assert.equal(await peer.farewell(), corrupt);
  });
}

hostile('an item cut into single bytes behind its header is whole at its end', async (rig) => {
  const peer = await rig.dialRaw();
  await peer.open();
  const bytes = message(1, 'byte by byte');
  const later = Array.from({ length: 12 }, (_, index) =>
    fragment(0, 20, 8 + index, bytes.subarray(8 + index, 9 + index)),
  );
  peer.send(fragment(first, 20, 0, bytes.subarray(0, 8)), ...later);
  assert.equal(await rig.newest.received.first(() => true), 'byte by byte');
});

hostile('an aborted request frees its slot, and was never handled', async (rig) => {
  const peer = await rig.dialRaw();
  await peer.open();
  peer.send(startOfRequest, fragment(fragmentAbort, 100, 40, Buffer.alloc(0)), request(2, 0, 'b'));
  assert.equal((await peer.expect(FrameType.Reply)).word(1), 0);
  assert.deepEqual(rig.newest.received.entries, ['b']);
});

hostile('an item that is never finished holds no disconnect', async (rig) => {
  const peer = await rig.dialRaw();
  await peer.open();
  peer.send(start);
  peer.socket.end();
  assert.equal((await rig.newest.disconnected()).reason, 'DISCONNECTED');
  await rig.newest.endpoint.destroy();
});
