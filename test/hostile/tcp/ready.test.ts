/** A `Ready` that was changed on its way: what the listener proposed for it binds nobody. */
import assert from 'node:assert/strict';
import { FrameType } from '../../../core/frame.js';
import { hostile } from './hostile-rig.js';
import type { RawPeer } from './raw-peer.js';
import { control, type GreetingWords } from './wire.js';

const far = 0x4000_0000;

async function propose(
  peer: RawPeer,
  lastFinished: number,
  words: Partial<GreetingWords> = {},
): Promise<{ epoch: number; token: Buffer }> {
  const welcome = await peer.greet(words);
  peer.send(control(FrameType.Ready, lastFinished));
  const epoch = (await peer.expect(FrameType.Accept)).word(1);
  return { epoch, token: Buffer.from(welcome.bytes.subarray(40, 56)) };
}

for (const finished of [0, 1]) {
  hostile(`a corrupt ready after ${finished} epochs does not lock the dialler out`, async (rig) => {
    const first = await rig.dialRaw();
    const { epoch, token } = await propose(first, 0);
    if (finished > 0) first.send(control(FrameType.Confirm, epoch));
    await first.close();

    const corrupt = await rig.dialRaw();
    // Too far for any dialler to follow, so that it leaves.
    assert.equal((await propose(corrupt, far, { token })).epoch, far + 1);
    await corrupt.close();

    const again = await rig.dialRaw();
    const proposed = await propose(again, finished, { token });
    assert.ok(proposed.epoch > finished && proposed.epoch < far, `proposed ${proposed.epoch}`);
    again.send(control(FrameType.Confirm, proposed.epoch));
    await again.close();
  });
}
