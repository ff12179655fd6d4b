/** Closing waits for the disconnect handlers of its endpoints: these must not wait for it. */
import { it } from 'node:test';

import { media, TwoSides } from './two-sides.js';

for (const medium of media) {
  it(`${medium}: a disconnect handler that awaits close of its domain is accused`, async () => {
    const sides = new TwoSides(medium, () => ({}));
    const awaitClose = async (): Promise<void> => {
      await sides.near.close();
    };
    await sides.dial({ disconnect: () => Promise.race([awaitClose(), sides.accused]) });
    await sides.near.close();
    await sides.end('DESTROY_AWAITED_IN_DISCONNECT');
  });

  it(`${medium}: a disconnect handler that returns close of its domain is accused`, async () => {
    const sides = new TwoSides(medium, () => ({}));
    await sides.dial({ disconnect: () => sides.near.close() });
    await sides.near.close({ drainMs: 20 });
    await sides.end('DESTROY_AWAITED_IN_DISCONNECT');
  });

  it(`${medium}: a disconnect handler that awaits close of its listener is accused`, async () => {
    const awaitClose = async (): Promise<void> => {
      await sides.listener.close();
    };
    const sides: TwoSides = new TwoSides(medium, () => ({
      disconnect: () => Promise.race([awaitClose(), sides.accused]),
    }));
    await (await sides.dial()).destroy();
    await sides.far.close();
    await sides.end('DESTROY_AWAITED_IN_DISCONNECT');
  });
}
