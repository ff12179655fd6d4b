/** The reference world: domains of one thread over the memory transport. */
import { createMemoryNetwork, memory } from '../../../transports/memory/index.js';
import type { EndpointWorld } from './world.js';

export function makeMemoryWorld(): EndpointWorld {
  const network = createMemoryNetwork();
  let nameCount = 0;
  const newAddress = (service: string): string => `memory://hub-${(nameCount += 1)}/${service}`;
  return {
    transport: memory({ network }),
    listenAddress: newAddress,
    vacantAddress: (service) => Promise.resolve(newAddress(service)),
    sever: () => {
      network.sever();
    },
    dispose: () => Promise.resolve(),
  };
}
