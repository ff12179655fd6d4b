/** Closing waits for the disconnect handlers of its endpoints: these must not wait for it. */
import { it } from 'node:test';

import { media, TwoSides } from './two-sides.js';

const limits = { drainMs: 20 };

for (const medium of media) {
  it(`${medium}: a disconnect handler that awaits close of its domain is accused`, async () => {
    const sides = new TwoSides(medium, () => ({}));
    await sides.dial({
      disconnect: async () => {
        await sides.near.close();
      },
    });
    await sides.near.close(limits);
    await sides.end('DESTROY_AWAITED_IN_DISCONNECT');
  });

  it(`${medium}: a disconnect handler that returns close of its domain is accused`, async () => {
    const sides = new TwoSides(medium, () => ({}));
    await sides.dial({ disconnect: () => sides.near.close() });
    await sides.near.close(limits);
    await sides.end('DESTROY_AWAITED_IN_DISCONNECT');
  });

  it(`${medium}: a disconnect handler that awaits close of its listener is accused`, async () => {
    const sides = new TwoSides(medium, () => ({
      disconnect: async () => {
        await sides.listener.close(limits);
      },
    }));
    await (await sides.dial()).destroy();
    await sides.far.close(limits);
    await sides.end('DESTROY_AWAITED_IN_DISCONNECT');
  });
}
