/** A remote device is a block device like any other, over every transport, and in two steps. */
import { createMemoryDevice } from '../../../drivers/block/index.js';
import { runDeviceSuite } from '../block/device-suite.js';
import { openMemory, schemes, Stage } from './stage.js';

let count = 0;

for (const scheme of schemes) {
  runDeviceSuite({
    name: `memory at the other end of ${scheme}`,
    make: async (context, byteLength, blockBytes) => {
      const stage = new Stage(scheme, `suite-${++count}`);
      context.after(() => stage.close());
      return openMemory(stage, byteLength, blockBytes);
    },
  });
}

runDeviceSuite({
  name: 'a remote device that is served again',
  make: async (context, byteLength, blockBytes) => {
    const lower = new Stage('memory', 'lower');
    const upper = new Stage('memory', 'upper');
    context.after(() => lower.close());
    context.after(() => upper.close());
    await lower.serve(createMemoryDevice({ byteLength, blockBytes }));
    await upper.serve(await lower.open());
    return upper.open();
  },
});
