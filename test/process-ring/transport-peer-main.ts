/**
 * The process at the other end of a ring: `node transport-peer-main.js OPTIONS`. It floods, or
 * answers transactions, until it is killed or its channel ends.
 */
import { createDomain, type EndpointHandlers } from 'idc';

import { ring } from '../../transports/ring/index.js';
import { Flood } from './transport-flood.js';
import { limits, quota, ringOptions, type PeerOptions } from './transport-peer.js';

function answering(): EndpointHandlers {
  return {
    transaction: (transaction) => {
      const { parameters } = transaction;
      // An empty one is never answered.
      if (parameters.length > 0) transaction.complete(parameters.slice());
    },
  };
}

/** Returns only if it is told to yield. */
function start(options: PeerOptions): void {
  const { role, address, task, yields, seed } = options;
  const flood = new Flood(seed);
  const transports = [ring(ringOptions)];
  const domain = createDomain({ name: 'peer', transports, quota, limits });
  const handlers = task === 'flood' ? flood.handlers : answering();
  if (role === 'listen') {
    const listener = domain.listen(address, () => handlers);
    void listener.ready.then(() => process.send?.('ready'));
    return;
  }
  const endpoint = domain.createEndpoint(address, handlers);
  process.send?.('ready');
  while (!yields) {
    domain.poll();
    if (task === 'flood') flood.send(endpoint);
  }
}

process.on('disconnect', () => process.exit(0));
process.once('message', (options: PeerOptions) => {
  start(options);
});
