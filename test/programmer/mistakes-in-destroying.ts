/** Every way to wait for `destroy` in the `disconnect` handler that it waits for. */
import { clientWith, leaverWith, type Mistakes } from './mistake.js';

export const destroyMistakes: Mistakes = {
  'destroy awaited in disconnect': leaverWith({
    disconnect: async (endpoint) => {
      await endpoint.destroy();
    },
  }),
  'destroy awaited in disconnect, begun there': clientWith({
    disconnect: async (endpoint) => {
      await endpoint.destroy();
    },
  }),
  'destroy awaited in disconnect after another await': leaverWith({
    disconnect: async (endpoint) => {
      await new Promise(setImmediate);
      await endpoint.destroy();
    },
  }),
  'destroy returned by disconnect': leaverWith({
    disconnect: (endpoint) => endpoint.destroy(),
  }),
  'destroy returned by an asynchronous disconnect': leaverWith({
    disconnect: async (endpoint) => {
      await Promise.resolve();
      return endpoint.destroy();
    },
  }),
  'destroy held by waitUntil': leaverWith({
    disconnect: (endpoint, event) => {
      event.waitUntil(endpoint.destroy());
    },
  }),
  'destroy awaited in disconnect through Promise.all': leaverWith({
    disconnect: async (endpoint) => {
      await Promise.all([endpoint.destroy(), Promise.resolve()]);
    },
  }),
  'destroy awaited in disconnect through then': leaverWith({
    disconnect: (endpoint) => endpoint.destroy().then(() => undefined),
  }),
};
